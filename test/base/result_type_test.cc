// A program that includes <boost/outcome/result.hpp> itself has the very same types.
#include <boost/outcome/result.hpp>
#include <boost/outcome/try.hpp>
#include <type_traits>

#include "gtest/gtest.h"
#include "warden/exit_status.h"
#include "warden/result.h"
#include "warden/termination_error.h"

namespace {

namespace outcome = BOOST_OUTCOME_V2_NAMESPACE;

template <class T, class E>
constexpr bool kSame = std::is_same_v<outcome::result<T, E>, warden::Result<T, E>>;

static_assert(kSame<int, warden::InvalidArgument>);
static_assert(kSame<int, warden::SpawnError>);
static_assert(kSame<std::optional<warden::ExitStatus>, warden::WaitError>);
static_assert(kSame<warden::ExitStatus, warden::TerminationError>);
static_assert(kSame<void, warden::TerminationError>);

warden::Result<int, warden::WaitError> failing() {
  return warden::WaitError{std::error_code(EPERM, std::generic_category()), "server"};
}

outcome::result<int, warden::WaitError> through_boost() {
  const warden::Result<int, warden::WaitError> failed = failing();
  BOOST_OUTCOME_TRYV(failed);  // whose form is the same in every Boost
  return failed.value();
}

TEST(ResultTypeTest, ErrorCrossesIntoBoostsResultUnchanged) {
  const outcome::result<int, warden::WaitError> result = through_boost();
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().process_name, "server");
  EXPECT_THROW(result.value(), std::system_error);
}

}  // namespace

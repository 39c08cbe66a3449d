// What a Result does with our errors: narrowing, throwing, and which type it is.
#include "warden/result.h"

#include <boost/outcome/try.hpp>
#include <memory>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "warden/error.h"
#include "warden/exit_status.h"
#include "warden/signal.h"
#include "warden/termination_error.h"

namespace warden {
namespace {

using Narrow = outcome::std_result<int, std::error_code>;

static_assert(std::is_same_v<outcome::result<int, SpawnError>, Result<int, SpawnError>>);
static_assert(std::is_same_v<outcome::result<ExitStatus, TerminationError>, Result<ExitStatus, TerminationError>>);

InvalidArgument invalid_argument() { return {"signal", "99", "too large"}; }
WaitError wait_error() { return {std::error_code(EPERM, std::generic_category()), "server"}; }
SpawnError spawn_error() {
  SpawnError error;
  error.code = std::error_code(ENOENT, std::generic_category());
  error.step = SpawnError::Step::kExec;
  error.process_name = "server";
  return error;
}
TerminationError termination_error() {
  return {TerminationError::Kind::kTerminationFailed, Errc::kStillRunning, "server", {}};
}

// A caller that knows only error codes.
template <class E>
Narrow narrowed(const Result<int, E>& result) {
  BOOST_OUTCOME_TRYV(result);  // whose form is the same in every Boost
  return result.value() + 1;
}

template <class E>
class ResultOfTest : public ::testing::Test {
 public:
  static E error();
};
template <>
InvalidArgument ResultOfTest<InvalidArgument>::error() {
  return invalid_argument();
}
template <>
WaitError ResultOfTest<WaitError>::error() {
  return wait_error();
}
template <>
SpawnError ResultOfTest<SpawnError>::error() {
  return spawn_error();
}
template <>
TerminationError ResultOfTest<TerminationError>::error() {
  return termination_error();
}

using Errors = ::testing::Types<InvalidArgument, WaitError, SpawnError, TerminationError>;
TYPED_TEST_SUITE(ResultOfTest, Errors, );  // clang: a variadic macro wants an argument

TYPED_TEST(ResultOfTest, ErrorNarrowsToItsCodeThroughTry) {
  const Narrow narrow = narrowed<TypeParam>(this->error());
  ASSERT_TRUE(narrow.has_error());
  EXPECT_EQ(narrow.error(), make_error_code(this->error()));
}

TYPED_TEST(ResultOfTest, ValuePassesThroughTry) {
  const Narrow narrow = narrowed<TypeParam>(7);
  ASSERT_TRUE(narrow.has_value());
  EXPECT_EQ(narrow.value(), 8);
}

TYPED_TEST(ResultOfTest, ValueOfAnErrorThrowsItsCodeAndText) {
  const Result<int, TypeParam> result = this->error();
  try {
    result.value();
    FAIL() << "value() returned";
  } catch (const std::system_error& thrown) {
    EXPECT_EQ(thrown.code(), make_error_code(this->error()));
    EXPECT_EQ(thrown.what(), this->error().to_string()) << "the errno's text once";
  }
}

TYPED_TEST(ResultOfTest, VoidResultIsSuccessOrThrowsToo) {
  const Result<void, TypeParam> success = outcome::success();
  EXPECT_TRUE(success.has_value());
  const Result<void, TypeParam> failure = this->error();
  EXPECT_THROW(failure.value(), std::system_error);
}

TEST(ResultTest, ErrorKeepsItsFacts) {
  const Result<int, SpawnError> result = spawn_error();
  EXPECT_EQ(result.error().step, SpawnError::Step::kExec);
  EXPECT_EQ(result.error().process_name, "server");
}

TEST(ResultTest, MoveOnlyValueCanBeTakenOut) {
  Result<std::unique_ptr<int>, SpawnError> result = std::make_unique<int>(4);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 4);
}

}  // namespace
}  // namespace warden

// warden::adopt takes processes of Boost.Process v2 under supervision, whichever launcher started them.
#include "warden/boost_process.h"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/posix/vfork_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

namespace v2 = boost::process::v2;

template <class Launcher>
class BoostProcess : public ::testing::Test {
 protected:
  v2::process launch(const std::vector<std::string>& arguments) {
    boost::system::error_code error;
    v2::process process = Launcher()(context_, error, boost::filesystem::path(test_child_path()), arguments);
    EXPECT_FALSE(error) << error.message();
    return process;
  }

  boost::asio::io_context context_;
};

using Launchers = ::testing::Types<v2::posix::default_launcher, v2::posix::vfork_launcher>;
TYPED_TEST_SUITE(BoostProcess, Launchers, );  // clang: a variadic macro wants an argument

TYPED_TEST(BoostProcess, IsDetachedAndEndedByTerminate) {
  v2::process process = this->launch({"sleep"});
  const int pid = static_cast<int>(process.id());
  Child child = warden::adopt(std::move(process), {"boosted"}).value();
  EXPECT_FALSE(process.is_open());  // NOLINT(bugprone-use-after-move): that is what is promised
  EXPECT_EQ(child.pid(), pid);
  EXPECT_EQ(child.name(), "boosted");
  EXPECT_EQ(child.terminate(kBound, kBound).value(), ExitStatus::signaled(Signal::interrupt(), false));
}

TYPED_TEST(BoostProcess, LivesOnWhenTheProcessObjectGoes) {
  std::optional<Child> child;
  {
    v2::process process = this->launch({"sleep"});
    child = warden::adopt(std::move(process)).value();
  }
  EXPECT_EQ(child->wait_for(absl::Milliseconds(20)).value(), std::nullopt);
  EXPECT_EQ(child->kill().value().signal(), Signal::kill());
}

TYPED_TEST(BoostProcess, GivesItsStatus) {
  Child child = warden::adopt(this->launch({"exit", "23"})).value();
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(23));
}

TYPED_TEST(BoostProcess, IsUnchangedWhenItIsRefused) {
  v2::process process = this->launch({"exit", "5"});
  EXPECT_EQ(process.wait(), 5);
  const auto refused = warden::adopt(std::move(process));
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Errc::kNotAChild);
  EXPECT_EQ(process.exit_code(), 5);  // NOLINT(bugprone-use-after-move): that is what is promised
}

}  // namespace
}  // namespace warden::test_support

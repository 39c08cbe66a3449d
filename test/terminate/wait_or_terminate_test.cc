// wait_or_terminate on real children; wait_or_terminate_child_test.cc has its states.
#include <system_error>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Kind = WaitOrTerminateError::Kind;

const TerminationPolicy& service() {
  static const TerminationPolicy policy = TerminationPolicy::service(kBound);
  return policy;
}

TEST(WaitOrTerminate, ReturnsAnExitInTime) {
  Child child = Child::spawn(test_command({"exit", "3"})).value();
  const auto ended = child.wait_or_terminate(kBound, service());
  EXPECT_EQ(ended.value().status, ExitStatus::exited(3));
  EXPECT_FALSE(ended.value().timed_out());
  EXPECT_THAT(child.attempt_log().to_string(), IsEmpty());
}

TEST(WaitOrTerminate, EndsTheGroupAfterTheTimeout) {
  AckPipe ack;
  CapturedLog log;
  Child child = Child::spawn(test_command(ack, {"fork", "sleep", "--", "handle", "TERM", "4"})).value();
  const Pidfd worker(wait_forked(ack, {"ready", "child ready"}));
  const auto ended = child.wait_or_terminate(absl::Milliseconds(10), service());
  ASSERT_TRUE(ended.value().timed_out());
  EXPECT_EQ(ended.value().status, ExitStatus::exited(4));
  EXPECT_EQ(ended.value().timeout, absl::Milliseconds(10));
  EXPECT_EQ(ended.value().termination->ended_by, AttemptPhase::kTerminate);
  EXPECT_TRUE(worker.is_dead());
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(WaitOrTerminate, ClosesStdinSoThatAReaderEndsInTime) {
  Command command("cat");
  command.stdin_from(Stdio::pipe()).stdout_to(Stdio::null());
  Child child = Child::spawn(command).value();
  const auto ended = child.wait_or_terminate(kBound, service());
  EXPECT_TRUE(ended.value().status.success());
  EXPECT_FALSE(ended.value().timed_out());
}

TEST(WaitOrTerminate, RefusesBadInputByNameAndDoesNothing) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  const auto by_timeout = child.wait_or_terminate(-absl::Seconds(1), service());
  EXPECT_EQ(by_timeout.error().kind, Kind::kRefused);
  EXPECT_EQ(by_timeout.error().invalid_argument.value().field, "timeout");
  EXPECT_EQ(make_error_code(by_timeout.error()), std::errc::invalid_argument);
  const auto by_policy = child.wait_or_terminate(kBound, TerminationPolicy::service(-absl::Seconds(1)));
  EXPECT_EQ(by_policy.error().kind, Kind::kRefused);
  EXPECT_EQ(by_policy.error().invalid_argument.value().field, "phases[0].timeout");
  EXPECT_THAT(by_policy.error().to_string(), HasSubstr("phases[0].timeout"));
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitOrTerminate, AMovedFromHandleSaysSo) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  Child other = std::move(child);
  const auto ended = child.wait_or_terminate(kBound, service());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(ended.error().kind, Kind::kRefused);
  EXPECT_EQ(make_error_code(ended.error()), Errc::kEmptyHandle);
  EXPECT_TRUE(other.kill().has_value());
}

TEST(WaitOrTerminate, TheErrorThrowsWithItsCodeAndText) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  try {
    child.wait_or_terminate(-absl::Seconds(1), service()).value();
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr("refused to wait for or terminate process"));
  }
  EXPECT_TRUE(child.kill().has_value());
}

}  // namespace
}  // namespace warden::test_support

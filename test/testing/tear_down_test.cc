// How a test's end and its children affect each other, seen from inside. inner_run_test.cc shows what a whole failed
// test looks like.
#include <signal.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/testing/fixture_probe.h"
#include "warden/testing/matchers.h"
#include "warden/testing/scoped_child.h"

namespace warden::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using warden::Child;
using warden::Command;
using warden::Signal;
using warden::TerminationPolicy;
using warden::test_support::AckPipe;
using warden::test_support::live_members;
using warden::test_support::Pidfd;
using warden::test_support::test_command;
using warden::test_support::wait_forked;

// Returns the failures of a test whose child has ended by itself, unseen by the test.
std::vector<std::string> failures_of_ended(const std::vector<std::string>& mode, const SpawnOptions& options) {
  return failures_of([&] {
    const ScopedChild child(test_command(mode), options);
    const Pidfd process(child->pid());
    ASSERT_TRUE(process.wait_dead());
  });
}

TEST(TearDownTest, EndsTheChildAndItsGroupInSilence) {
  AckPipe ack;
  int leader = -1;
  ::testing::internal::CaptureStdout();
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command(ack, {"fork", "sleep", "--", "sleep"}));
                ASSERT_TRUE(child.ok());
                leader = child->pid();
                wait_forked(ack, {"ready", "child ready"});
              }),
              IsEmpty());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  ASSERT_GT(leader, 0);
  EXPECT_THAT(live_members(leader), IsEmpty());
}

TEST(TearDownTest, ExitBeforeTheEndFailsTheTestWithTheStatusAndTheLog) {
  const auto failures = failures_of_ended({"exit", "3"}, may_exit(false));
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_THAT(failures[0], HasSubstr("child 'exit' (pid "));
  EXPECT_THAT(failures[0], HasSubstr("had ended before the test: exited with code 3"));
  EXPECT_THAT(failures[0], HasSubstr("[1] preflight"));
}

TEST(TearDownTest, SuccessfulExitBeforeTheEndFailsTheTestToo) {
  EXPECT_THAT(failures_of_ended({"exit", "0"}, may_exit(false)), ElementsAre(HasSubstr("exited with code 0")));
}

TEST(TearDownTest, ChildThatMayExitMayExitWithAnyCode) {
  EXPECT_THAT(failures_of_ended({"exit", "3"}, may_exit(kMayExit)), IsEmpty());
}

TEST(TearDownTest, CrashFailsTheTestEvenOfAChildThatMayExit) {
  EXPECT_THAT(failures_of_ended({"die", "SEGV"}, may_exit(false)),
              ElementsAre(HasSubstr("crashed: killed by SIGSEGV")));
  EXPECT_THAT(failures_of_ended({"die", "SEGV"}, may_exit(kMayExit)),
              ElementsAre(HasSubstr("crashed: killed by SIGSEGV")));
  EXPECT_THAT(failures_of_ended({"die", "KILL"}, may_exit(kMayExit)),
              ElementsAre(HasSubstr("crashed: killed by SIGKILL")));
}

TEST(TearDownTest, CrashWhileItIsEndedFailsTheTest) {
  AckPipe ack;
  EXPECT_THAT(
      failures_of([&] {
        const ScopedChild child(shell_with_handler(ack, "kill -SEGV $$"), ready_on("ready"));
        ASSERT_TRUE(child.ok());
      }),
      ElementsAre(AllOf(HasSubstr("crashed: killed by SIGSEGV"), HasSubstr("send_signal SIGTERM to tree: ok"))));
}

TEST(TearDownTest, EndThatTheTestHasSeenIsTheTestsBusiness) {
  EXPECT_THAT(failures_of([] {
                const ScopedChild exits(test_command({"exit", "3"})), dies(test_command({"die", "SEGV"}));
                EXPECT_THAT(exits->wait(), ExitedWith(3));
                EXPECT_THAT(dies->wait(), ::testing::_);
              }),
              IsEmpty());
}

TEST(TearDownTest, CrashThatTheTestHasNotSeenIsAFailureWhateverItDidAfter) {
  const auto failures_after = [](void (*then)(Child&)) {
    return failures_of([&] {
      const ScopedChild child(test_command({"die", "SEGV"}));
      ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
      then(*child);
    });
  };
  const auto is_told = ElementsAre(HasSubstr("crashed: killed by SIGSEGV"));
  EXPECT_THAT(failures_after([](Child& child) { EXPECT_TRUE(child.send_terminate_signal().has_value()); }), is_told);
  EXPECT_THAT(failures_after([](Child& child) { child.detach_on_destruction(); }), is_told);
}

// The child is stopped, so that it still exists when the second signal comes.
TEST(TearDownTest, EndByASignalThatAsksForItIsNoFailureThoughAnotherCameAfter) {
  EXPECT_THAT(failures_of([] {
                const ScopedChild child(test_command({"sleep"}));
                for (const int signal : {SIGSTOP, SIGTERM, SIGCONT}) {
                  ASSERT_TRUE(child->send_signal(Signal::from_number(signal).value()).has_value());
                }
                ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
              }),
              IsEmpty());
}

TEST(TearDownTest, FailureHasTheTestsOwnAttempts) {
  EXPECT_THAT(failures_of([] {
                const ScopedChild child(test_command({"sleep"}));
                ASSERT_TRUE(child->send_signal(Signal::hangup()).has_value());
                ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
              }),
              ElementsAre(HasSubstr("send_signal SIGHUP to tree: ok")));
}

TEST(TearDownTest, EndByTheTestsOwnSignalsIsNoFailure) {
  for (const Signal signal : {Signal::interrupt(), Signal::terminate(), Signal::kill()}) {
    EXPECT_THAT(failures_of([&] {
                  const ScopedChild child(test_command({"sleep"}));
                  ASSERT_TRUE(child->send_signal(signal).has_value());
                  ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
                }),
                IsEmpty())
        << signal;
  }
  EXPECT_THAT(failures_of([] {
                const ScopedChild child(test_command({"sleep"}));
                EXPECT_THAT(child->kill(), KilledBy(Signal::kill()));
              }),
              IsEmpty());
}

TEST(TearDownTest, EndAfterASignalThatAsksForNoneFailsTheTest) {
  AckPipe ack;
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command(ack, {"handle", "HUP", "1"}));
                ASSERT_TRUE(ack.wait_for("ready"));
                ASSERT_TRUE(child->send_signal(Signal::hangup()).has_value());
                ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
              }),
              ElementsAre(HasSubstr("had ended before the test: exited with code 1")));
}

TEST(TearDownTest, WhatAnEndedChildHasLeftInItsGroupIsEnded) {
  SpawnOptions options = may_exit(kMayExit);
  options.policy = TerminationPolicy::service(absl::Milliseconds(10));
  for (const bool test_waits : {false, true}) {
    AckPipe ack;
    int leader = -1;
    EXPECT_THAT(failures_of([&] {
                  const ScopedChild child(test_command(ack, {"fork", "stubborn"}), options);
                  leader = child->pid();
                  wait_forked(ack, {"child ready"});
                  ASSERT_TRUE(Pidfd(leader).wait_dead());
                  if (test_waits) {
                    EXPECT_THAT(child->wait(), ExitedWith(0));
                  }
                  ASSERT_EQ(live_members(leader).size(), 1U);
                }),
                IsEmpty());
    EXPECT_THAT(live_members(leader), IsEmpty()) << test_waits;
  }
}

TEST(TearDownTest, ChildThatTheTestHasDetachedIsEndedAllTheSame) {
  int pid = -1;
  {
    const ScopedChild child(test_command({"sleep"}));
    pid = child->pid();
    child->detach_on_destruction();
  }
  EXPECT_THAT(live_members(pid), IsEmpty());
}

TEST(TearDownTest, ChildThatCannotBeEndedFailsTheTestWithTheLogAndIsNotReportedTwice) {
  AckPipe ack;
  const AbandonedChildCount abandoned;
  std::optional<Child> tracer;
  SpawnOptions options;
  options.policy = TerminationPolicy::immediate();
  options.policy.kill_timeout = absl::Milliseconds(1);
  const auto failures = failures_of([&] {
    const ScopedChild traced(test_command({"sleep"}), options);
    tracer = Child::spawn(test_command(ack, {"trace", std::to_string(traced->pid())})).value();
    ASSERT_TRUE(ack.wait_for("tracing"));
  });
  ASSERT_TRUE(tracer->kill().has_value());
  EXPECT_THAT(failures, ElementsAre(AllOf(HasSubstr("child 'sleep'"), HasSubstr("could not be ended"),
                                          HasSubstr("kill send_signal SIGKILL to tree: ok"))));
  EXPECT_EQ(abandoned.value(), 0);
  EXPECT_TRUE(warden::test_support::wait_until_childless());
}

TEST(TearDownTest, FailureStandsAtTheLineOfTheSpawn) {
  ::testing::TestPartResultArray results;
  int line = 0;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    line = __LINE__ + 1;
    const ScopedChild child(test_command({"exit", "3"}));
    ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
    Fixture fixture;
    EXPECT_EQ(fixture.spawn(Command("/no/such/program")), nullptr);
  }
  ASSERT_EQ(results.size(), 2);
  EXPECT_EQ(results.GetTestPartResult(0).line_number(), line + 3);
  EXPECT_EQ(results.GetTestPartResult(1).line_number(), line);
  EXPECT_THAT(results.GetTestPartResult(1).file_name(), EndsWith("tear_down_test.cc"));
}

TEST(TearDownTest, FailureHasTheLastLinesOfBothStreams) {
  const auto failures = failures_of([] {
    const ScopedChild child(shell("echo first; echo second >&2; exit 3"));
    ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
  });
  EXPECT_THAT(failures, ElementsAre(AllOf(HasSubstr("\n  last lines of stdout:\n  | first\n"),
                                          HasSubstr("\n  last lines of stderr:\n  | second\n"))));
}

TEST(TearDownTest, ChildOfAScopeThatAnExceptionLeavesIsEndedAndItsLastLinesArePrinted) {
  ::testing::internal::CaptureStdout();
  int pid = -1;
  EXPECT_THAT(failures_of([&] {
                try {
                  const ScopedChild child(shell("echo listening; exec sleep 600"), ready_on("listening"));
                  pid = child->pid();
                  throw std::runtime_error("a test's");
                } catch (const std::runtime_error&) {
                }
              }),
              IsEmpty());
  EXPECT_THAT(::testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("child 'shell' (pid " + std::to_string(pid) + "): killed by SIGTERM"),
                    HasSubstr("last lines of stdout:\n  | listening\n")));
  EXPECT_THAT(live_members(pid), IsEmpty());
}

}  // namespace
}  // namespace warden::testing

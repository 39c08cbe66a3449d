// Destroying a handle by default, detached, or moved from.
#include <signal.h>

#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

TEST(Destruction, KillsTheGroupAndReportsAtErrorLevel) {
  CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> leader;
  std::unique_ptr<Pidfd> grandchild;
  {
    const Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"}).name("left")).value();
    leader = std::make_unique<Pidfd>(child.pid());
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready", "ready"}));
  }
  EXPECT_TRUE(leader->is_dead());
  EXPECT_TRUE(grandchild->is_dead());
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records()[0].severity, LogSeverity::kError);
  EXPECT_EQ(log.records()[0].name, "left");
  EXPECT_THAT(log.records()[0].event, HasSubstr("destroyed before its end was seen; it has ended now"));
  EXPECT_EQ(log.records()[0].error, "");
}

TEST(Destruction, ReportsToStderrWithoutASink) {
  ::testing::internal::CaptureStderr();
  { const Child child = Child::spawn(test_command({"sleep"}).name("left")).value(); }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("warden"));
  EXPECT_THAT(text, HasSubstr("'left'"));
  EXPECT_THAT(text, HasSubstr("destroyed before its end was seen"));
  EXPECT_THAT(text, ::testing::EndsWith("\n"));
}

TEST(Destruction, ReportsAChildWhoseEndNobodySaw) {
  CapturedLog log;
  {
    const Child child = Child::spawn(test_command({"exit", "0"})).value();
    ASSERT_TRUE(Pidfd(child.pid()).wait_dead());
  }
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records()[0].severity, LogSeverity::kError);
}

TEST(Destruction, KillsWhatAnUnseenLeaderLeftBehind) {
  CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> grandchild;
  {
    const Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "exit", "0"})).value();
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready"}));
  }
  EXPECT_TRUE(grandchild->is_dead());
  EXPECT_EQ(log.records().size(), 1u);
}

TEST(Destruction, IsSilentAfterAWait) {
  CapturedLog log;
  {
    Child child = Child::spawn(test_command({"exit", "0"})).value();
    EXPECT_TRUE(child.wait().has_value());
  }
  EXPECT_TRUE(log.records().empty());
}

TEST(Destruction, IsSilentAfterATerminationOrAKill) {
  CapturedLog log;
  {
    Child terminated = Child::spawn(test_command({"sleep"})).value();
    EXPECT_TRUE(terminated.terminate(TerminationPolicy::service(kBound)).has_value());
    Child killed = Child::spawn(test_command({"sleep"})).value();
    EXPECT_TRUE(killed.kill().has_value());
  }
  EXPECT_TRUE(log.records().empty());
}

TEST(Destruction, OfAKilledChildIsSilentWhateverWasAskedFor) {
  CapturedLog log;
  {
    Child child = Child::spawn(test_command({"sleep"})).value();
    child.kill_on_destruction();
    child.kill_on_destruction();
    EXPECT_TRUE(child.kill().has_value());
  }
  EXPECT_TRUE(log.records().empty());
}

TEST(Destruction, IsSilentOnceTheEndWasSeenWhateverIsAskedFor) {
  CapturedLog log;
  {
    Child child = Child::spawn(test_command({"exit", "0"})).value();
    EXPECT_TRUE(child.wait().has_value());
    child.kill_on_destruction();
    EXPECT_FALSE(child.ends_on_destruction());
  }
  EXPECT_TRUE(log.records().empty());
}

TEST(Destruction, LeavesADetachedChildRunningAndCollectsIt) {
  CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> process;
  {
    Child child = Child::spawn(test_command(ack, {"handle", "USR1", "0"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    process = std::make_unique<Pidfd>(child.pid());
    child.detach_on_destruction();
    child.detach_on_destruction();
  }
  EXPECT_FALSE(process->is_dead());
  ASSERT_TRUE(process->send(SIGUSR1));
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1") << "it was well when the handle went";
  EXPECT_TRUE(process->wait_dead());
  EXPECT_TRUE(process->wait_reaped());
  EXPECT_TRUE(log.records().empty());
}

TEST(Destruction, CollectsADetachedChildThatHasEnded) {
  CapturedLog log;
  for (int i = 0; i < 50; ++i) {
    Child child = Child::spawn(test_command({"exit", "0"})).value();
    child.detach_on_destruction();
  }
  EXPECT_TRUE(log.records().empty());
  EXPECT_TRUE(wait_until_childless()) << "the reapers that stayed behind collect them";
}

TEST(Destruction, KillsAChildInSilenceWhereThatWasAskedForLast) {
  CapturedLog log;
  std::unique_ptr<Pidfd> process;
  {
    Child child = Child::spawn(test_command({"sleep"})).value();
    process = std::make_unique<Pidfd>(child.pid());
    child.detach_on_destruction();
    child.kill_on_destruction();
    child.kill_on_destruction();
  }
  EXPECT_TRUE(process->is_dead());
  EXPECT_TRUE(log.records().empty());
}

TEST(Destruction, OfADetachedChildDoesNotForbidATermination) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  child.detach_on_destruction();
  EXPECT_EQ(child.terminate(kBound, kBound).value().signal(), Signal::interrupt());
}

TEST(Move, AMovedFromHandleIsInertAndSaysSo) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  Child other = std::move(child);
  // NOLINTBEGIN(bugprone-use-after-move): what a handle is then is promised
  EXPECT_EQ(child.wait().error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.wait_for(kBound).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.wait_for(-kBound).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.wait_until(std::chrono::steady_clock::time_point()).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.try_wait().error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kUncertain);
  EXPECT_EQ(child.state().error, Errc::kEmptyHandle);
  EXPECT_EQ(child.terminate(kBound, kBound).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.terminate(TerminationPolicy::immediate()).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.terminate_with_report({}).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.kill().error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.send_interrupt_signal().error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.send_terminate_signal().error().code, Errc::kEmptyHandle);
  EXPECT_EQ(child.send_signal(Signal::user1()).error().code, Errc::kEmptyHandle);
  EXPECT_TRUE(child.attempt_log().empty());
  EXPECT_EQ(child.pid(), -1);
  EXPECT_EQ(child.name(), "");
  EXPECT_EQ(child.stdin_fd(), -1);
  child.close_stdin();
  child.kill_on_destruction();
  child.detach_on_destruction();
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(other.state().kind, ProcessState::Kind::kRunning);
  EXPECT_EQ(other.kill().value().signal(), Signal::kill()) << "nothing was sent before";
}

TEST(Move, AssignmentEndsTheChildThatTheHandleHad) {
  CapturedLog log;
  Child first = Child::spawn(test_command({"sleep"}).name("first")).value();
  Child second = Child::spawn(test_command({"sleep"}).name("second")).value();
  const Pidfd first_process(first.pid());
  const int second_pid = second.pid();
  first = std::move(second);
  EXPECT_TRUE(first_process.is_dead());
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records()[0].name, "first");
  EXPECT_EQ(first.pid(), second_pid);
  EXPECT_EQ(first.kill().value().signal(), Signal::kill());
  second = std::move(first);
  EXPECT_EQ(second.pid(), second_pid);
  EXPECT_EQ(log.records().size(), 1u);
}

TEST(Move, AssignmentToItselfChangesNothing) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  Child& same = child;
  child = std::move(same);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

TEST(Move, HandlesLiveInContainers) {
  CapturedLog log;
  std::vector<Child> children;
  for (int i = 0; i < 20; ++i) children.push_back(Child::spawn(test_command({"sleep"})).value());
  for (Child& child : children) EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  children.clear();
  EXPECT_TRUE(log.records().empty());
}

}  // namespace
}  // namespace warden::test_support

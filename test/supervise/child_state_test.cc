// state() changes nothing; and what the other looks return for living children.
#include <signal.h>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

Child spawn_and_let_die(const char* code) {
  Child child = Child::spawn(test_command({"exit", code})).value();
  EXPECT_TRUE(Pidfd(child.pid()).wait_dead());
  return child;
}

TEST(State, IsRunningAndThenExitedWithTheStatus) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"handle", "USR1", "6"})).value();
  ASSERT_EQ(ack.wait_line(), "ready");
  const Pidfd process(child.pid());
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_FALSE(child.state().status.has_value());
  ASSERT_TRUE(child.send_signal(Signal::user1()).has_value());
  ASSERT_TRUE(process.wait_dead());
  const ProcessState state = child.state();
  EXPECT_EQ(state.kind, ProcessState::Kind::kExited);
  EXPECT_EQ(state.status, ExitStatus::exited(6));
  EXPECT_FALSE(state.error);
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
}

TEST(State, DoesNotCountAsHavingSeenTheEnd) {
  CapturedLog log;
  {
    Child child = spawn_and_let_die("4");
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kExited);
  }
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records()[0].severity, LogSeverity::kError);
}

TEST(State, WaitsThatReturnTheStatusCountAsHavingSeenTheEnd) {
  CapturedLog log;
  {
    Child tried = spawn_and_let_die("4");
    EXPECT_EQ(tried.try_wait().value(), ExitStatus::exited(4));
    Child waited = spawn_and_let_die("4");
    EXPECT_EQ(waited.wait().value(), ExitStatus::exited(4));
    Child timed = spawn_and_let_die("4");
    EXPECT_EQ(timed.wait_for(absl::ZeroDuration()).value(), ExitStatus::exited(4));
    Child until = spawn_and_let_die("4");
    EXPECT_EQ(until.wait_until(std::chrono::steady_clock::time_point()).value(), ExitStatus::exited(4));
    Child terminated = spawn_and_let_die("4");
    EXPECT_EQ(terminated.terminate(TerminationPolicy::immediate()).value(), ExitStatus::exited(4));
    Child killed = spawn_and_let_die("4");
    EXPECT_EQ(killed.kill().value(), ExitStatus::exited(4));
    Child signalled = spawn_and_let_die("4");
    EXPECT_TRUE(signalled.send_terminate_signal().has_value());
  }
  EXPECT_TRUE(log.records().empty());
}

TEST(State, WaitsWithoutAStatusDoNotCount) {
  CapturedLog log;
  {
    Child child = Child::spawn(test_command({"sleep"})).value();
    EXPECT_EQ(child.try_wait().value(), std::nullopt);
    EXPECT_EQ(child.wait_for(absl::ZeroDuration()).value(), std::nullopt);
    EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
  }
  EXPECT_EQ(log.records().size(), 1u);
}

TEST(State, AStoppedChildIsRunning) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"stop"})).value();
  ASSERT_EQ(ack.wait_line(), "stopping");
  ASSERT_TRUE(wait_stopped(child.pid()));
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

// proc(5) shows such a process as a zombie.
TEST(State, AChildWhoseMainThreadHasGoneIsRunning) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"thread"})).value();
  ASSERT_EQ(ack.wait_line(), "main exited");
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt);
  EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value().signal(), Signal::terminate());
}

TEST(State, TheNumberAndTheNameStayAfterTheEnd) {
  Child child = Child::spawn(test_command({"exit", "0"}).name("short")).value();
  const int pid = child.pid();
  EXPECT_GT(pid, 1);
  EXPECT_TRUE(child.wait().value().success());
  EXPECT_EQ(child.pid(), pid);
  EXPECT_EQ(child.name(), "short");
}

}  // namespace
}  // namespace warden::test_support

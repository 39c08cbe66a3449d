// A child that another process traces: dead after SIGKILL, and not reapable until the tracer goes. And one that this
// process traces, whose stops it is shown.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

absl::Duration cpu_time_of_this_process() {
  timespec used = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

Child trace(AckPipe& ack, const Child& traced) {
  Child tracer = Child::spawn(test_command(ack, {"trace", std::to_string(traced.pid())})).value();
  EXPECT_EQ(ack.wait_line(), "tracing");
  return tracer;
}

TerminationPolicy impatient() {
  TerminationPolicy policy = TerminationPolicy::immediate();
  policy.kill_timeout = absl::Milliseconds(200);
  return policy;
}

TEST(TracedChild, EndsInAnErrorAfterTheBoundAndCanBeEndedOnceTheTracerHasGone) {
  AckPipe ack;
  Child child = Child::spawn(test_command({"sleep"})).value();
  const Pidfd process(child.pid());
  Child tracer = trace(ack, child);
  const absl::Duration before = cpu_time_of_this_process();
  const auto failed = child.terminate(impatient());
  // A busy loop would use the whole second. An old kernel counts in ticks of 10 ms, one for each look that it meets.
  EXPECT_LT(cpu_time_of_this_process() - before, absl::Milliseconds(200));
  ASSERT_TRUE(failed.has_error());
  EXPECT_TRUE(process.wait_dead());
  EXPECT_EQ(failed.error().kind, TerminationError::Kind::kTerminationFailed);
  EXPECT_EQ(failed.error().process_name, "sleep");
  EXPECT_EQ(failed.error().code, Errc::kNotReapable);
  ASSERT_EQ(failed.error().stuck.size(), 1u);
  const StuckProcess& stuck = failed.error().stuck[0];
  EXPECT_EQ(stuck.pid, child.pid());
  EXPECT_EQ(stuck.state, 'Z');
  EXPECT_EQ(stuck.tracer_pid, tracer.pid());
  EXPECT_EQ(stuck.tracer_program, "test_child");
  EXPECT_THAT(failed.error().to_string(),
              ::testing::HasSubstr("state Z, traced by " + std::to_string(tracer.pid()) + " (test_child)"));
  ASSERT_FALSE(failed.error().attempts.empty());
  const std::vector<Attempt> errors = failed.error().attempts.errors();
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors.back().operation, AttemptOperation::kWaitForExit);
  EXPECT_EQ(errors.back().result, AttemptResult::kTimedOut);
  EXPECT_GE(errors.back().elapsed, absl::Milliseconds(200));
  EXPECT_EQ(child.attempt_log().to_string(), failed.error().attempts.to_string());
  EXPECT_TRUE(tracer.kill().has_value());
  EXPECT_EQ(child.terminate(TerminationPolicy::immediate()).value().signal(), Signal::kill());
}

TEST(TracedChild, IsWaitedForWithoutBurningTime) {
  AckPipe ack;
  Child child = Child::spawn(test_command({"sleep"})).value();
  const Pidfd process(child.pid());
  Child tracer = trace(ack, child);
  ASSERT_TRUE(child.send_signal(Signal::kill()).has_value());
  ASSERT_TRUE(process.wait_dead());
  const absl::Duration before = cpu_time_of_this_process();
  EXPECT_EQ(child.wait_for(absl::Seconds(1)).value(), std::nullopt);
  EXPECT_LT(cpu_time_of_this_process() - before, absl::Milliseconds(50));
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(tracer.kill().has_value());
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::signaled(Signal::kill(), false));
}

TEST(TracedChild, WakesAWaiterWhenTheTracerHasGone) {
  AckPipe ack;
  Child child = Child::spawn(test_command({"sleep"})).value();
  const Pidfd process(child.pid());
  Child tracer = trace(ack, child);
  std::optional<ExitStatus> status;
  std::thread waiter([&] { status = child.wait().value(); });
  EXPECT_TRUE(child.send_signal(Signal::kill()).has_value());
  EXPECT_TRUE(process.wait_dead());
  EXPECT_TRUE(tracer.kill().has_value());
  waiter.join();
  EXPECT_EQ(status, ExitStatus::signaled(Signal::kill(), false));
}

// The call takes the three seconds of its bound. The reaper stays behind and reaps the child later.
TEST(TracedChild, IsDestroyedWithinTheBoundAndCollectedInTheEnd) {
  AckPipe ack;
  auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
  const Pidfd process(child->pid());
  Child tracer = trace(ack, *child);
  const CapturedLog log;
  child.reset();
  const auto records = log.records();
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.back().severity, LogSeverity::kError);
  EXPECT_THAT(records.back().event, ::testing::HasSubstr("it could not be ended"));
  EXPECT_THAT(records.back().error, ::testing::HasSubstr("SIGKILL"));
  EXPECT_TRUE(tracer.kill().has_value());
  EXPECT_TRUE(process.wait_reaped());
}

// A signal that the tracer stops and never passes on does not end the child; SIGKILL bypasses the tracer.
TEST(TracedChild, IsEndedByTheLadderWhenTheTracerGoesInTime) {
  AckPipe ack;
  Child child = Child::spawn(test_command({"sleep"})).value();
  Child tracer = trace(ack, child);
  std::thread liberator([&] {
    EXPECT_EQ(child.wait_for(absl::Milliseconds(50)).value(), std::nullopt);
    EXPECT_TRUE(tracer.kill().has_value());
  });
  TerminationPolicy policy = TerminationPolicy::interrupt_first(absl::Milliseconds(10), {});
  policy.kill_timeout = kBound;
  EXPECT_TRUE(child.terminate(policy).has_value());
  liberator.join();
}

// What the next look of this process at its child's stops says, left where it is. Blocks for one.
siginfo_t next_stop_of(const Child& child) {
  siginfo_t stop = {};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &stop, WSTOPPED | WNOWAIT), 0);
  return stop;
}

// A stop in the tracer's hands is no end, and stays the tracer's to see.
void expect_running_and_ended_by_kill(Child& child, int code, int status) {
  const Pidfd process(child.pid());
  const siginfo_t stop = next_stop_of(child);
  EXPECT_EQ(stop.si_code, code);
  EXPECT_EQ(stop.si_status, status);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning) << child.state();
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_EQ(child.wait_for(absl::Milliseconds(1)).value(), std::nullopt);
  siginfo_t again = {};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &again, WSTOPPED | WNOWAIT | WNOHANG), 0);
  EXPECT_EQ(again.si_pid, child.pid()) << "the notice is gone";
  const auto killed = child.kill();
  ASSERT_TRUE(killed.has_value()) << killed.error();
  EXPECT_EQ(killed.value(), ExitStatus::signaled(Signal::kill(), false));
  EXPECT_TRUE(process.is_dead());
}

TEST(ChildThatThisProcessTraces, IsNotTakenForEndedByASignalThatStopsIt) {
  for (const char* signal : {"TRAP", "CHLD", "TERM"}) {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"trace-me", signal})).value();
    ASSERT_EQ(ack.wait_line(), "traced");
    expect_running_and_ended_by_kill(child, CLD_TRAPPED, Signal::from_name(signal).value().number());
  }
}

// The number of such a stop is no signal: 32773 is PTRACE_EVENT_STOP and SIGTRAP.
TEST(ChildThatThisProcessTraces, IsNotTakenForEndedByAnEvent) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, child.pid(), 0, 0), 0);
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, child.pid(), 0, 0), 0);
  expect_running_and_ended_by_kill(child, CLD_TRAPPED, SIGTRAP | PTRACE_EVENT_STOP << 8);
}

TEST(ChildThatThisProcessTraces, IsEndedByItsDestructor) {
  AckPipe ack;
  auto child = std::make_unique<Child>(Child::spawn(test_command(ack, {"trace-me", "TRAP"})).value());
  ASSERT_EQ(ack.wait_line(), "traced");
  next_stop_of(*child);
  const Pidfd process(child->pid());
  ASSERT_TRUE(child->terminate_on_destruction(TerminationPolicy::immediate()).has_value());
  child.reset();
  EXPECT_TRUE(process.is_dead());
  EXPECT_TRUE(process.wait_reaped());
}

}  // namespace
}  // namespace warden::test_support

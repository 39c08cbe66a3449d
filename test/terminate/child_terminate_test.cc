// terminate() on real children: which signals it sends, in what order, and what the report says.
#include <signal.h>

#include <chrono>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(30);

// An attempt as "interrupt send_signal SIGINT group ok".
std::vector<std::string> steps(const AttemptLog& log) {
  std::vector<std::string> steps;
  for (const Attempt& attempt : log) {
    std::string step(to_string(attempt.phase));
    step += " " + std::string(to_string(attempt.operation));
    if (attempt.signal.has_value()) step += " " + attempt.signal->name();
    if (attempt.target.has_value()) step += " " + std::string(to_string(*attempt.target));
    steps.push_back(step + " " + std::string(to_string(attempt.result)));
  }
  return steps;
}

Child spawn_ready(AckPipe& ack, const std::vector<std::string>& mode) {
  Child child = Child::spawn(test_command(ack, mode)).value();
  EXPECT_TRUE(ack.wait_for("ready"));
  return child;
}

TEST(Terminate, EndsAnObedientChildInTheInterruptPhase) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"sleep"});
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kBound, kBound)).value();
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::interrupt(), false));
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(report.survivors, IsEmpty());
  EXPECT_THAT(steps(report.attempts),
              ElementsAre("preflight check_status leader ok", "interrupt send_signal SIGINT group ok",
                          "interrupt send_signal SIGCONT group ok", "interrupt wait_for_exit SIGINT ok",
                          "interrupt sweep group ok"));
}

TEST(Terminate, TakesAStubbornChildThroughTheWholeLadderInOrder) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  const auto begun = std::chrono::steady_clock::now();
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, 2 * kShort)).value();
  EXPECT_GE(absl::FromChrono(std::chrono::steady_clock::now() - begun), 3 * kShort);
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::kill(), false));
  EXPECT_EQ(report.ended_by, AttemptPhase::kKill);
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(steps(report.attempts),
              ElementsAre("preflight check_status leader ok", "interrupt send_signal SIGINT group ok",
                          "interrupt send_signal SIGCONT group ok", "interrupt wait_for_exit SIGINT timed_out",
                          "terminate send_signal SIGTERM group ok", "terminate send_signal SIGCONT group ok",
                          "terminate wait_for_exit SIGTERM timed_out", "kill send_signal SIGKILL group ok",
                          "kill wait_for_exit SIGKILL ok", "kill sweep group ok"));
  EXPECT_GE(report.attempts[3].elapsed, kShort);
  EXPECT_GE(report.attempts[6].elapsed, 2 * kShort);
  for (std::size_t i = 1; i < report.attempts.size(); ++i) {
    EXPECT_GE(report.attempts[i].started, report.attempts[i - 1].started);
  }
}

TEST(Terminate, SendsOneSignalAfterTheOtherWithZeroTimeouts) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::interrupt_first({}, {})).value();
  EXPECT_EQ(report.status.signal(), Signal::kill());
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
}

TEST(Terminate, WaitsForEverWithAnInfiniteTimeout) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"handle", "INT", "4"});
  const absl::Duration infinite = absl::InfiniteDuration();
  EXPECT_EQ(child.terminate(infinite, infinite).value(), ExitStatus::exited(4));
  EXPECT_THAT(sent_signals(child.attempt_log()), ElementsAre("SIGINT group"));
}

TEST(Terminate, ContinuesAStoppedChildSoThatItsHandlerRuns) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"handle", "TERM", "7"});
  ASSERT_TRUE(child.send_signal(Signal::stop()).has_value());
  ASSERT_TRUE(wait_stopped(child.pid()));
  EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value(), ExitStatus::exited(7));
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
}

// Shows why the policies have names.
TEST(Terminate, AHandlerForTermDoesNotRunUnderInterruptFirst) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"handle", "TERM", "7"});
  EXPECT_EQ(child.terminate(kBound, kBound).value().signal(), Signal::interrupt());
  ack.close_write();
  EXPECT_EQ(ack.wait_line(), "");
}

TEST(Terminate, AHandlerForTermRunsUnderService) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"handle", "TERM", "7"});
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_EQ(report.status, ExitStatus::exited(7));
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
}

TEST(Terminate, SendsTheSignalsOfAnyPolicy) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"handle", "USR1", "9"});
  TerminationPolicy policy;
  policy.phases = {{Signal::user1(), kBound}};
  const TerminationReport report = child.terminate_with_report(policy).value();
  EXPECT_EQ(report.status, ExitStatus::exited(9));
  EXPECT_EQ(report.ended_by, AttemptPhase::kSignal);
}

TEST(Terminate, SendsNothingToAChildThatHasEnded) {
  Child child = Child::spawn(test_command({"exit", "3"})).value();
  ASSERT_TRUE(Pidfd(child.pid()).wait_dead());
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kBound, kBound)).value();
  EXPECT_EQ(report.status, ExitStatus::exited(3));
  EXPECT_EQ(report.ended_by, AttemptPhase::kPreflight);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(steps(report.attempts), ElementsAre("preflight check_status leader ok", "preflight sweep group ok"));
}

TEST(Terminate, CalledAgainReturnsTheSameStatusAndSendsNothing) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  const ExitStatus status = child.terminate(kShort, kShort).value();
  EXPECT_EQ(status.signal(), Signal::kill());
  EXPECT_THAT(sent_signals(child.attempt_log()), ::testing::SizeIs(3));
  EXPECT_EQ(child.terminate(kShort, kShort).value(), status);
  EXPECT_THAT(sent_signals(child.attempt_log()), IsEmpty());
  EXPECT_EQ(child.wait().value(), status);
}

TEST(Terminate, LeavesItsLogWithTheChild) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  EXPECT_TRUE(child.attempt_log().empty());
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort)).value();
  EXPECT_FALSE(report.attempts.empty());
  EXPECT_EQ(child.attempt_log().to_string(), report.attempts.to_string());
}

TEST(Terminate, WarnsWhenASignalDoesNotEndTheChild) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  const CapturedLog log;
  EXPECT_TRUE(child.terminate(kShort, kShort).has_value());
  const auto records = log.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(records[0].event, ::testing::HasSubstr("SIGINT"));
  EXPECT_THAT(records[1].event, ::testing::HasSubstr("SIGTERM"));
  for (const auto& record : records) {
    EXPECT_EQ(record.severity, LogSeverity::kWarning);
    EXPECT_EQ(record.name, "stubborn");
  }
}

TEST(Terminate, DeliversItsMessagesUnderNoLock) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  set_log_sink(
      [](const LogRecord&, void* context) {
        auto& its_child = *static_cast<Child*>(context);
        EXPECT_EQ(its_child.state().kind, ProcessState::Kind::kRunning);
        EXPECT_EQ(its_child.wait_for(absl::ZeroDuration()).value(), std::nullopt);
        set_log_sink(nullptr, nullptr);
      },
      &child);
  EXPECT_TRUE(child.terminate(kShort, kShort).has_value());
}

TEST(Kill, ReturnsTheStatusEachTime) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  const ExitStatus status = child.kill().value();
  EXPECT_EQ(status, ExitStatus::signaled(Signal::kill(), false));
  EXPECT_THAT(sent_signals(child.attempt_log()), ElementsAre("SIGKILL group"));
  EXPECT_EQ(child.kill().value(), status);
  EXPECT_EQ(child.kill().value(), status);
}

TEST(Kill, ReturnsTheOwnStatusOfAChildThatHasEnded) {
  Child child = Child::spawn(test_command({"exit", "3"})).value();
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
  EXPECT_EQ(child.kill().value(), ExitStatus::exited(3));
}

TEST(Kill, EndsAStoppedChild) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"stop"})).value();
  ASSERT_EQ(ack.wait_line(), "stopping");
  ASSERT_TRUE(wait_stopped(child.pid()));
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

}  // namespace
}  // namespace warden::test_support

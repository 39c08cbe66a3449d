// The manual signals, and policies that are refused before anything is sent.
#include <signal.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Child spawn_ready(AckPipe& ack, const std::vector<std::string>& mode) {
  Child child = Child::spawn(test_command(ack, mode)).value();
  EXPECT_TRUE(ack.wait_for("ready"));
  return child;
}

TEST(ManualSignal, ArrivesAndDoesNotWait) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"mark", "INT", "TERM", "USR1"});
  EXPECT_TRUE(child.send_interrupt_signal().has_value());
  EXPECT_EQ(ack.wait_line(), "got SIGINT");
  EXPECT_TRUE(child.send_terminate_signal().has_value());
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(ManualSignal, GoesToTheGroup) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "handle", "USR1", "0", "--", "ignore", "USR1"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_TRUE(ack.wait_for("child got SIGUSR1"));
  EXPECT_TRUE(grandchild.wait_dead());
  EXPECT_TRUE(child.kill().has_value());
}

TEST(ManualSignal, GoesToTheChildAloneWithoutAGroup) {
  Child sibling = Child::spawn(test_command({"sleep"}).group(false)).value();
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"handle", "TERM", "3"}).group(false)).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  EXPECT_TRUE(child.send_terminate_signal().has_value());
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
  EXPECT_THAT(sent_signals(child.attempt_log()), ElementsAre("SIGTERM leader"));
  EXPECT_EQ(sibling.kill().value().signal(), Signal::kill());
}

TEST(ManualSignal, IsOneEntryInTheLog) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"stubborn"});
  EXPECT_TRUE(child.attempt_log().empty());
  EXPECT_TRUE(child.send_terminate_signal().has_value());
  ASSERT_EQ(child.attempt_log().size(), 1u);
  const Attempt attempt = child.attempt_log()[0];
  EXPECT_EQ(attempt.phase, AttemptPhase::kTerminate);
  EXPECT_EQ(attempt.operation, AttemptOperation::kSendSignal);
  EXPECT_EQ(attempt.signal, Signal::terminate());
  EXPECT_EQ(attempt.target, AttemptTarget::kGroup);
  EXPECT_EQ(attempt.result, AttemptResult::kOk);
  EXPECT_TRUE(child.send_interrupt_signal().has_value());
  ASSERT_EQ(child.attempt_log().size(), 1u);
  EXPECT_EQ(child.attempt_log()[0].phase, AttemptPhase::kInterrupt);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(ManualSignal, DoesNotContinueAStoppedChild) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"handle", "TERM", "7"});
  ASSERT_TRUE(child.send_signal(Signal::stop()).has_value());
  ASSERT_TRUE(wait_stopped(child.pid()));
  EXPECT_TRUE(child.send_terminate_signal().has_value());
  EXPECT_EQ(child.wait_for(absl::Milliseconds(50)).value(), std::nullopt);
  EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(7));
}

TEST(ManualSignal, SucceedsAndSendsNothingWhenTheChildHasEnded) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "mark", "TERM", "--", "exit", "1"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready"}));
  ASSERT_TRUE(Pidfd(child.pid()).wait_dead());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(child.send_terminate_signal().has_value());
    EXPECT_THAT(child.attempt_log(), IsEmpty());
  }
  EXPECT_EQ(child.kill().value(), ExitStatus::exited(1));
  EXPECT_TRUE(grandchild.is_dead());
  ack.close_write();
  EXPECT_EQ(ack.wait_line(), "");
}

TEST(ManualSignal, RefusesTheNumbersOfTheCLibraryByName) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"sleep"});
  for (const int number : {32, 33}) {
    const auto refused = child.send_signal(Signal::from_number(number).value());
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().code, std::errc::invalid_argument);
    EXPECT_EQ(refused.error().invalid_argument->field, "signal");
    EXPECT_EQ(refused.error().invalid_argument->value, "SIG" + std::to_string(number));
    EXPECT_TRUE(refused.error().attempts.empty());
  }
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

// If a fatal signal had been sent, the status would show it: a later SIGKILL does not replace it.
TEST(Policy, IsRefusedByFieldAndValueBeforeAnythingIsSent) {
  TerminationPolicy late = TerminationPolicy::interrupt_first(kBound, absl::Seconds(-2));
  TerminationPolicy kill = TerminationPolicy::immediate();
  kill.kill_timeout = absl::Seconds(-3);
  TerminationPolicy grace = TerminationPolicy::immediate();
  grace.failed_send_grace = absl::Seconds(-4);
  TerminationPolicy stop = TerminationPolicy::service(kBound);
  stop.phases.push_back({Signal::stop(), kBound});
  TerminationPolicy reserved = TerminationPolicy::service(kBound);
  reserved.phases.push_back({Signal::from_number(33).value(), kBound});
  TerminationPolicy killing = TerminationPolicy::service(kBound);
  killing.phases.push_back({Signal::kill(), kBound});
  const struct {
    const TerminationPolicy* policy;
    const char* field;
    const char* value;
  } kCases[] = {
      {&late, "phases[1].timeout", "-2s"},      {&kill, "kill_timeout", "-3s"},
      {&grace, "failed_send_grace", "-4s"},     {&stop, "phases[1].signal", "SIGSTOP"},
      {&reserved, "phases[1].signal", "SIG33"}, {&killing, "phases[1].signal", "SIGKILL"},
  };
  AckPipe ack;
  Child child = spawn_ready(ack, {"sleep"});
  for (const auto& refused_case : kCases) {
    const auto refused = child.terminate(*refused_case.policy);
    ASSERT_TRUE(refused.has_error()) << refused_case.field;
    EXPECT_EQ(refused.error().kind, TerminationError::Kind::kRefused);
    EXPECT_EQ(refused.error().code, std::errc::invalid_argument);
    EXPECT_EQ(refused.error().process_name, "sleep");
    EXPECT_EQ(refused.error().invalid_argument.value().field, refused_case.field);
    EXPECT_THAT(refused.error().to_string(), HasSubstr(refused_case.value));
    EXPECT_TRUE(refused.error().attempts.empty());
  }
  EXPECT_TRUE(child.attempt_log().empty());
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

TEST(Policy, NegativeTimeoutsAreRefusedByTheNameOfTheParameter) {
  AckPipe ack;
  Child child = spawn_ready(ack, {"sleep"});
  const auto interrupt = child.terminate(absl::Seconds(-1), kBound);
  ASSERT_TRUE(interrupt.has_error());
  EXPECT_EQ(interrupt.error().invalid_argument->field, "interrupt_timeout");
  EXPECT_EQ(interrupt.error().invalid_argument->value, "-1s");
  const auto terminate = child.terminate(kBound, -absl::InfiniteDuration());
  ASSERT_TRUE(terminate.has_error());
  EXPECT_EQ(terminate.error().invalid_argument->field, "terminate_timeout");
  EXPECT_TRUE(child.attempt_log().empty());
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

}  // namespace
}  // namespace warden::test_support

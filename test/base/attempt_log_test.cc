#include "warden/attempt_log.h"

#include <sstream>

#include "gtest/gtest.h"

namespace warden {
namespace {

Attempt send(AttemptPhase phase, Signal signal) {
  Attempt attempt;
  attempt.phase = phase;
  attempt.operation = AttemptOperation::kSendSignal;
  attempt.signal = signal;
  attempt.target = AttemptTarget::kGroup;
  return attempt;
}

Attempt failed(Attempt attempt, int error) {
  attempt.result = AttemptResult::kFailed;
  attempt.error = std::error_code(error, std::generic_category());
  return attempt;
}

Attempt wait(AttemptPhase phase, Signal signal, absl::Duration elapsed, AttemptResult result) {
  Attempt attempt;
  attempt.phase = phase;
  attempt.operation = AttemptOperation::kWaitForExit;
  attempt.signal = signal;
  attempt.elapsed = elapsed;
  attempt.result = result;
  if (result == AttemptResult::kTimedOut) attempt.error = std::make_error_code(std::errc::timed_out);
  return attempt;
}

TEST(AttemptTest, WordsAreThoseOfTheJsonReport) {
  EXPECT_EQ(to_string(AttemptPhase::kPreflight), "preflight");
  EXPECT_EQ(to_string(AttemptPhase::kInterrupt), "interrupt");
  EXPECT_EQ(to_string(AttemptPhase::kTerminate), "terminate");
  EXPECT_EQ(to_string(AttemptPhase::kSignal), "signal");
  EXPECT_EQ(to_string(AttemptPhase::kKill), "kill");
  EXPECT_EQ(to_string(AttemptPhase::kSweep), "sweep");
  EXPECT_EQ(to_string(AttemptOperation::kCheckStatus), "check_status");
  EXPECT_EQ(to_string(AttemptOperation::kSendSignal), "send_signal");
  EXPECT_EQ(to_string(AttemptOperation::kWaitForExit), "wait_for_exit");
  EXPECT_EQ(to_string(AttemptOperation::kSweep), "sweep");
  EXPECT_EQ(to_string(AttemptTarget::kLeader), "leader");
  EXPECT_EQ(to_string(AttemptTarget::kGroup), "group");
  EXPECT_EQ(to_string(AttemptResult::kOk), "ok");
  EXPECT_EQ(to_string(AttemptResult::kTimedOut), "timed_out");
  EXPECT_EQ(to_string(AttemptResult::kFailed), "failed");
}

TEST(AttemptTest, SendIsALineWithSignalTargetAndResult) {
  EXPECT_EQ(send(AttemptPhase::kInterrupt, Signal::interrupt()).to_string(),
            "interrupt send_signal SIGINT to group: ok");
  EXPECT_EQ(failed(send(AttemptPhase::kKill, Signal::kill()), EPERM).to_string(),
            "kill send_signal SIGKILL to group: failed: Operation not permitted");
}

TEST(AttemptTest, WaitIsALineWithTheTimeThatItTook) {
  EXPECT_EQ(wait(AttemptPhase::kTerminate, Signal::terminate(), absl::Seconds(1), AttemptResult::kTimedOut).to_string(),
            "terminate wait_for_exit after SIGTERM: timed_out after 1s");
  EXPECT_EQ(
      wait(AttemptPhase::kTerminate, Signal::terminate(), absl::Microseconds(12'345), AttemptResult::kOk).to_string(),
      "terminate wait_for_exit after SIGTERM: ok after 12ms");
}

TEST(AttemptTest, GraceAfterAFailedSendIsALookWithTheTimeThatItTook) {
  Attempt grace =
      wait(AttemptPhase::kInterrupt, Signal::interrupt(), absl::Milliseconds(100), AttemptResult::kTimedOut);
  grace.operation = AttemptOperation::kCheckStatus;
  EXPECT_EQ(grace.to_string(), "interrupt check_status after SIGINT: timed_out after 100ms");
}

TEST(AttemptErrorsTest, DoNotHaveAGraceInWhichTheChildStillRan) {
  AttemptLog log;
  log.append(failed(send(AttemptPhase::kInterrupt, Signal::interrupt()), EPERM));
  Attempt grace =
      wait(AttemptPhase::kInterrupt, Signal::interrupt(), absl::Milliseconds(100), AttemptResult::kTimedOut);
  grace.operation = AttemptOperation::kCheckStatus;
  log.append(grace);
  EXPECT_EQ(log.size(), 2u);
  ASSERT_EQ(log.errors().size(), 1u);
  EXPECT_EQ(log.errors()[0].operation, AttemptOperation::kSendSignal);
  EXPECT_EQ(failed(grace, EIO).to_string(), "interrupt check_status after SIGINT: failed: Input/output error");
}

TEST(AttemptTest, LookIsALineWithWhatItLookedAtAndWhatItSaw) {
  Attempt look;
  look.target = AttemptTarget::kLeader;
  EXPECT_EQ(look.to_string(), "preflight check_status of leader: ok");
  look.operation = AttemptOperation::kSweep;
  look.target = AttemptTarget::kGroup;
  look.result = AttemptResult::kTimedOut;
  look.detail = "1001 (worker)";
  EXPECT_EQ(look.to_string(), "preflight sweep of group: timed_out: 1001 (worker)");
}

class AttemptLogTest : public ::testing::Test {
 protected:
  AttemptLogTest() {
    log_.append(send(AttemptPhase::kInterrupt, Signal::interrupt()));
    log_.append(wait(AttemptPhase::kInterrupt, Signal::interrupt(), absl::Seconds(1), AttemptResult::kTimedOut));
    log_.append(failed(send(AttemptPhase::kTerminate, Signal::terminate()), EPERM));
    log_.append(failed(send(AttemptPhase::kTerminate, Signal::terminate()), EPERM));
  }
  AttemptLog log_;
};

TEST_F(AttemptLogTest, KeepsEverythingInTheOrderOfAppending) {
  ASSERT_EQ(log_.size(), 4u);
  EXPECT_FALSE(log_.empty());
  EXPECT_EQ(log_[0].result, AttemptResult::kOk);
  EXPECT_EQ(log_[1].operation, AttemptOperation::kWaitForExit);
  EXPECT_EQ(log_[2].phase, AttemptPhase::kTerminate);
  EXPECT_EQ(log_[3].phase, AttemptPhase::kTerminate);
  EXPECT_EQ(log_.end() - log_.begin(), 4);
}

TEST_F(AttemptLogTest, ErrorsAreWhatFailedOrTimedOutInOrderWithDuplicates) {
  const std::vector<Attempt> errors = log_.errors();
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0].result, AttemptResult::kTimedOut);
  EXPECT_EQ(errors[0].error, std::errc::timed_out);
  EXPECT_EQ(errors[1].error, std::errc::operation_not_permitted);
  EXPECT_EQ(errors[2].error, std::errc::operation_not_permitted);
}

TEST_F(AttemptLogTest, TextIsOneNumberedLineForEach) {
  const std::string text =
      "[1] interrupt send_signal SIGINT to group: ok\n"
      "[2] interrupt wait_for_exit after SIGINT: timed_out after 1s\n"
      "[3] terminate send_signal SIGTERM to group: failed: Operation not permitted\n"
      "[4] terminate send_signal SIGTERM to group: failed: Operation not permitted";
  EXPECT_EQ(log_.to_string(), text);
  std::ostringstream out;
  out << log_;
  EXPECT_EQ(out.str(), text);
}

TEST_F(AttemptLogTest, CopyIsIndependent) {
  AttemptLog copy = log_;
  copy.append(send(AttemptPhase::kKill, Signal::kill()));
  EXPECT_EQ(log_.size(), 4u);
  EXPECT_EQ(copy.size(), 5u);
}

TEST(EmptyAttemptLogTest, HasNoErrorsAndNoText) {
  const AttemptLog log;
  EXPECT_TRUE(log.empty());
  EXPECT_TRUE(log.errors().empty());
  EXPECT_EQ(log.to_string(), "");
}

}  // namespace
}  // namespace warden

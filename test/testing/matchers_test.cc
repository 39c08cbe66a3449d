// What the matchers match, and what they say when they do not match.
#include "warden/testing/matchers.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"

namespace warden::testing {
namespace {

using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::Not;
using warden::AttemptOperation;
using warden::AttemptPhase;
using warden::AttemptResult;
using warden::Child;
using warden::ExitStatus;
using warden::Result;
using warden::Signal;
using warden::TerminationError;
using warden::TerminationPolicy;
using warden::TerminationReport;
using warden::WaitError;
using warden::test_support::AckPipe;
using warden::test_support::kBound;
using warden::test_support::test_command;

TerminationError an_error() {
  warden::Attempt attempt;
  attempt.phase = AttemptPhase::kKill;
  attempt.operation = AttemptOperation::kSendSignal;
  attempt.signal = Signal::kill();
  attempt.target = warden::AttemptTarget::kGroup;
  attempt.result = AttemptResult::kFailed;
  attempt.error = std::make_error_code(std::errc::operation_not_permitted);
  warden::AttemptLog log;
  log.append(attempt);
  return {warden::TerminationError::Kind::kTerminationFailed, attempt.error, "server", log};
}

// Returns what EXPECT_THAT says about a value that does not match.
template <class T, class M>
std::string complaint(const T& value, const M& matcher) {
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    EXPECT_THAT(value, matcher);
  }
  return failures.size() == 1 ? failures.GetTestPartResult(0).message() : "no failure";
}

TEST(ExitedWithTest, TakesStatusesAndWhateverHasOne) {
  const ExitStatus status = ExitStatus::exited(3);
  EXPECT_THAT(status, ExitedWith(3));
  EXPECT_THAT(std::optional<ExitStatus>(status), ExitedWith(3));
  EXPECT_THAT((Result<ExitStatus, WaitError>(status)), ExitedWith(3));
  EXPECT_THAT((Result<std::optional<ExitStatus>, WaitError>(status)), ExitedWith(3));
  EXPECT_THAT((Result<ExitStatus, TerminationError>(status)), ExitedWith(3));
  EXPECT_THAT((Result<TerminationReport, TerminationError>(
                  TerminationReport{status, AttemptPhase::kKill, warden::EndCause::kByUs, true, {}, {}})),
              ExitedWith(3));
  EXPECT_THAT((warden::WaitOrTerminateResult{status, kBound}), ExitedWith(3));
  EXPECT_THAT((warden::ProcessState{warden::ProcessState::Kind::kExited, status, {}}), ExitedWith(3));
  EXPECT_THAT((Result<warden::Readiness, WaitError>(warden::Readiness{warden::Readiness::Kind::kExited, status})),
              ExitedWith(3));
  EXPECT_THAT(warden::run(test_command({"exit", "3"})), ExitedWith(3));
}

TEST(ExitedWithTest, TakesAMatcherForTheCode) {
  EXPECT_THAT(ExitStatus::exited(3), ExitedWith(Lt(4)));
  EXPECT_THAT(ExitStatus::exited(3), Not(ExitedWith(Lt(3))));
}

TEST(ExitedWithTest, OtherCodesSignalsAndLostStatusesDoNotMatch) {
  EXPECT_THAT(ExitStatus::exited(3), Not(ExitedWith(4)));
  EXPECT_THAT(ExitStatus::signaled(Signal::kill(), false), Not(ExitedWith(9)));
  EXPECT_THAT(ExitStatus::signaled(Signal::kill(), false), Not(ExitedWith(::testing::_)));
  EXPECT_THAT(ExitStatus::lost(), Not(ExitedWith(::testing::_)));
  EXPECT_THAT((Result<std::optional<ExitStatus>, WaitError>(std::nullopt)), Not(ExitedWith(::testing::_)));
}

TEST(ExitedWithTest, ComplaintSaysWhatWasExpectedAndHowItEnded) {
  const std::string text =
      complaint(Result<ExitStatus, WaitError>(ExitStatus::signaled(Signal::abort(), false)), ExitedWith(0));
  EXPECT_THAT(text, HasSubstr("exited with a code that is equal to 0"));
  EXPECT_THAT(text, HasSubstr("killed by SIGABRT"));
  EXPECT_THAT(complaint(Result<std::optional<ExitStatus>, WaitError>(std::nullopt), ExitedWith(0)),
              HasSubstr("has not ended"));
}

TEST(ExitedWithTest, ComplaintOfAnErrorHasItsWholeLog) {
  const std::string text = complaint(Result<ExitStatus, TerminationError>(an_error()), ExitedWith(0));
  EXPECT_THAT(text, HasSubstr("which is an error"));
  EXPECT_THAT(text, HasSubstr("kill send_signal SIGKILL to group: failed"));
  EXPECT_THAT(text, HasSubstr("Operation not permitted"));
}

TEST(KilledByTest, TakesTheSignalAndNoOther) {
  const ExitStatus killed = ExitStatus::signaled(Signal::kill(), false);
  EXPECT_THAT(killed, KilledBy(Signal::kill()));
  EXPECT_THAT(ExitStatus::signaled(Signal::kill(), /*core_dumped=*/true), KilledBy(Signal::kill()));
  EXPECT_THAT((Result<ExitStatus, WaitError>(killed)), KilledBy(Signal::kill()));
  EXPECT_THAT(killed, Not(KilledBy(Signal::terminate())));
  EXPECT_THAT(ExitStatus::exited(9), Not(KilledBy(Signal::kill())));
  EXPECT_THAT((Result<ExitStatus, TerminationError>(an_error())), Not(KilledBy(Signal::kill())));
  EXPECT_THAT(complaint(ExitStatus::exited(9), KilledBy(Signal::kill())), HasSubstr("was killed by SIGKILL"));
}

TEST(EndedInPhaseTest, TakesThePhaseInWhichARealChildWent) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"stubborn"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  const auto ended = child.terminate_with_report(TerminationPolicy::service(absl::Milliseconds(1)));
  EXPECT_THAT(ended, EndedInPhase(AttemptPhase::kKill));
  EXPECT_THAT(ended, Not(EndedInPhase(AttemptPhase::kTerminate)));
  EXPECT_THAT(ended, KilledBy(Signal::kill()));
  EXPECT_THAT(ended, HasAttempt(AttemptPhase::kTerminate, AttemptOperation::kWaitForExit, AttemptResult::kTimedOut));
  EXPECT_THAT(ended, HasAttempt(AttemptPhase::kKill, AttemptOperation::kSendSignal));
}

TEST(EndedInPhaseTest, ComplaintSaysThePhaseAndHasTheLog) {
  TerminationReport report{ExitStatus::exited(0), AttemptPhase::kTerminate, warden::EndCause::kByUs, false, {}, {}};
  report.attempts = an_error().attempts;
  const std::string text = complaint(report, EndedInPhase(AttemptPhase::kInterrupt));
  EXPECT_THAT(text, HasSubstr("ended in phase interrupt"));
  EXPECT_THAT(text, HasSubstr("which ended in phase terminate"));
  EXPECT_THAT(text, HasSubstr("[1] kill send_signal"));
}

TEST(EndedInPhaseTest, WhatWasNotTerminatedEndedInNone) {
  const warden::WaitOrTerminateResult result{ExitStatus::exited(0), kBound};
  EXPECT_THAT(result, Not(EndedInPhase(AttemptPhase::kPreflight)));
  EXPECT_THAT(complaint(result, EndedInPhase(AttemptPhase::kPreflight)), HasSubstr("which was not terminated"));
}

TEST(HasAttemptTest, LooksAtLogsReportsErrorsAndBothSidesOfResults) {
  const auto wanted = HasAttempt(AttemptPhase::kKill, AttemptOperation::kSendSignal, AttemptResult::kFailed);
  const TerminationError error = an_error();
  EXPECT_THAT(error, wanted);
  EXPECT_THAT(error.attempts, wanted);
  EXPECT_THAT((Result<TerminationReport, TerminationError>(error)), wanted);
  EXPECT_THAT((Result<ExitStatus, TerminationError>(error)), wanted);
  EXPECT_THAT((Result<void, TerminationError>(error)), wanted);
  TerminationReport report{ExitStatus::exited(0), AttemptPhase::kKill, warden::EndCause::kByUs, true, {}, {}};
  EXPECT_THAT((Result<TerminationReport, TerminationError>(report)), Not(wanted));
  report.attempts = error.attempts;
  EXPECT_THAT((Result<TerminationReport, TerminationError>(report)), wanted);
  EXPECT_THAT((warden::WaitOrTerminateResult{ExitStatus::exited(0), kBound, report}), wanted);
  EXPECT_THAT((Result<void, TerminationError>(warden::outcome::success())), Not(wanted));
}

TEST(HasAttemptTest, PhaseOperationAndResultMustBeThoseOfOneAttempt) {
  const TerminationError error = an_error();
  EXPECT_THAT(error, HasAttempt(AttemptPhase::kKill, AttemptOperation::kSendSignal));
  EXPECT_THAT(error, Not(HasAttempt(AttemptPhase::kTerminate, AttemptOperation::kSendSignal)));
  EXPECT_THAT(error, Not(HasAttempt(AttemptPhase::kKill, AttemptOperation::kSweep)));
  EXPECT_THAT(error, Not(HasAttempt(AttemptPhase::kKill, AttemptOperation::kSendSignal, AttemptResult::kOk)));
}

TEST(HasAttemptTest, TakesAMatcherForTheAttempt) {
  EXPECT_THAT(an_error(), HasAttempt(Field(&warden::Attempt::signal, Signal::kill())));
  EXPECT_THAT(an_error(), Not(HasAttempt(Field(&warden::Attempt::signal, Signal::quit()))));
}

TEST(HasAttemptTest, ComplaintSaysWhatWasLookedForAndHasTheLog) {
  const std::string text =
      complaint(an_error(), HasAttempt(AttemptPhase::kSweep, AttemptOperation::kSweep, AttemptResult::kOk));
  EXPECT_THAT(text, HasSubstr("has an attempt that is 'sweep sweep: ok'"));
  EXPECT_THAT(text, HasSubstr("[1] kill send_signal SIGKILL to group: failed"));
}

}  // namespace
}  // namespace warden::testing

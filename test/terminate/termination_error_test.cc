#include "warden/termination_error.h"

#include <sstream>
#include <tuple>
#include <type_traits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "warden/error.h"

namespace warden {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Attempt attempt(AttemptPhase phase, AttemptOperation operation, std::optional<Signal> signal, std::errc error) {
  Attempt attempt;
  attempt.phase = phase;
  attempt.operation = operation;
  attempt.signal = signal;
  if (operation == AttemptOperation::kSendSignal) attempt.target = AttemptTarget::kGroup;
  attempt.result = error == std::errc::timed_out ? AttemptResult::kTimedOut : AttemptResult::kFailed;
  attempt.error = std::make_error_code(error);
  return attempt;
}

// Six records of six kinds, in order and with their causes: row E1 of the catalogue in test/README.md.
AttemptLog six_records() {
  using Operation = AttemptOperation;
  AttemptLog log;
  log.append(attempt(AttemptPhase::kPreflight, Operation::kCheckStatus, std::nullopt, std::errc::io_error));
  log.append(attempt(AttemptPhase::kInterrupt, Operation::kSendSignal, Signal::interrupt(), std::errc::interrupted));
  log.append(
      attempt(AttemptPhase::kInterrupt, Operation::kCheckStatus, Signal::interrupt(), std::errc::connection_reset));
  log.append(attempt(AttemptPhase::kTerminate, Operation::kWaitForExit, Signal::terminate(), std::errc::timed_out));
  log.append(attempt(AttemptPhase::kKill, Operation::kSendSignal, Signal::kill(), std::errc::permission_denied));
  log.append(attempt(AttemptPhase::kKill, Operation::kWaitForExit, Signal::kill(), std::errc::timed_out));
  return log;
}

TerminationError failed() {
  return {TerminationError::Kind::kTerminationFailed, Errc::kStillRunning, "server", six_records()};
}

TEST(TerminationErrorTest, RecordedAttemptsAreKeptInOrderWithTheirCauses) {
  std::vector<std::tuple<AttemptPhase, AttemptOperation, std::string, std::error_code>> seen;
  for (const Attempt& a : failed().attempts.errors()) {
    seen.emplace_back(a.phase, a.operation, a.signal ? a.signal->name() : "", a.error);
  }
  using Operation = AttemptOperation;
  const auto code = [](std::errc error) { return std::make_error_code(error); };
  EXPECT_THAT(
      seen,
      ElementsAre(
          std::tuple(AttemptPhase::kPreflight, Operation::kCheckStatus, "", code(std::errc::io_error)),
          std::tuple(AttemptPhase::kInterrupt, Operation::kSendSignal, "SIGINT", code(std::errc::interrupted)),
          std::tuple(AttemptPhase::kInterrupt, Operation::kCheckStatus, "SIGINT", code(std::errc::connection_reset)),
          std::tuple(AttemptPhase::kTerminate, Operation::kWaitForExit, "SIGTERM", code(std::errc::timed_out)),
          std::tuple(AttemptPhase::kKill, Operation::kSendSignal, "SIGKILL", code(std::errc::permission_denied)),
          std::tuple(AttemptPhase::kKill, Operation::kWaitForExit, "SIGKILL", code(std::errc::timed_out))));
}

TEST(TerminationErrorTest, KindCodeAndNameAreThoseGiven) {
  const TerminationError error = failed();
  EXPECT_EQ(error.kind, TerminationError::Kind::kTerminationFailed);
  EXPECT_EQ(error.code, Errc::kStillRunning);
  EXPECT_EQ(make_error_code(error), Errc::kStillRunning);
  EXPECT_EQ(error.process_name, "server");
  EXPECT_EQ(error.attempts.size(), 6u);
}

TEST(TerminationErrorTest, SuccessesAreAttemptsAndNotErrors) {
  AttemptLog log = six_records();
  log.append({});
  const TerminationError error = {TerminationError::Kind::kTerminationFailed, Errc::kStillRunning, "server", log};
  EXPECT_EQ(error.attempts.size(), 7u);
  EXPECT_EQ(error.attempts.errors().size(), 6u);
}

TEST(TerminationErrorTest, TextIsHeadlineNameReasonAndEveryAttempt) {
  EXPECT_EQ(failed().to_string(),
            "failed to terminate process 'server': still running after SIGKILL. Attempts: "
            "[1] preflight check_status: failed: Input/output error "
            "[2] interrupt send_signal SIGINT to group: failed: Interrupted system call "
            "[3] interrupt check_status after SIGINT: failed: Connection reset by peer "
            "[4] terminate wait_for_exit after SIGTERM: timed_out after 0 "
            "[5] kill send_signal SIGKILL to group: failed: Permission denied "
            "[6] kill wait_for_exit after SIGKILL: timed_out after 0");
}

TEST(TerminationErrorTest, TextCopesWithAnEmptyLog) {
  const TerminationError error = {TerminationError::Kind::kSignalFailed,
                                  std::make_error_code(std::errc::operation_not_permitted), "server"};
  EXPECT_EQ(error.to_string(),
            "failed to send a signal to process 'server': Operation not permitted. Nothing was tried.");
}

TEST(TerminationErrorTest, SurvivorsAreNamedInTheText) {
  TerminationError error = {TerminationError::Kind::kTerminationFailed, Errc::kSurvivors, "server"};
  error.survivors = {{1001, "worker"}, {1002, "(x) y"}};
  EXPECT_THAT(error.survivors, ElementsAre(Survivor{1001, "worker"}, Survivor{1002, "(x) y"}));
  EXPECT_THAT(error.to_string(), HasSubstr("Left: 1001 (worker), 1002 ((x) y)."));
}

TEST(TerminationErrorTest, TextForgesNoLineWithTheNameOfASurvivor) {
  TerminationError error = {TerminationError::Kind::kTerminationFailed, Errc::kSurvivors, "server"};
  error.survivors = {{1001, "a\n[1] kill: ok"}};
  EXPECT_THAT(error.to_string(), HasSubstr("Left: 1001 (a\\x0a[1] kill: ok)."));
  StuckProcess stuck;
  stuck.pid = 1001;
  stuck.program = "a\nb";
  stuck.state = 'D';
  error.stuck = {stuck};
  EXPECT_THAT(error.to_string(), HasSubstr("Left: 1001 (a\\x0ab), state D"));
}

TEST(TerminationErrorTest, InvalidPolicySaysWhatIsWrongWithIt) {
  TerminationError error = {TerminationError::Kind::kRefused, std::make_error_code(std::errc::invalid_argument),
                            "server"};
  error.invalid_argument = InvalidArgument{"kill_timeout", "-1s", "a duration must not be negative"};
  EXPECT_EQ(error.to_string(),
            "refused to signal process 'server': "
            "invalid kill_timeout '-1s': a duration must not be negative. Nothing was tried.");
}

TEST(TerminationErrorTest, StreamsWriteTheText) {
  std::ostringstream out;
  out << failed() << Survivor{1001, "worker"};
  EXPECT_EQ(out.str(), failed().to_string() + "1001 (worker)");
}

static_assert(std::is_nothrow_move_constructible_v<TerminationError>);
static_assert(std::is_copy_constructible_v<TerminationError>);

}  // namespace
}  // namespace warden

#include "lib/testing/verdict.h"

#include <algorithm>

namespace warden_testing::internal {
namespace {

using warden::Attempt;
using warden::AttemptOperation;
using warden::AttemptResult;
using warden::ProcessState;
using warden::Signal;

bool asks_for_the_end(const Attempt& attempt) {
  if (attempt.operation != AttemptOperation::kSendSignal || attempt.result != AttemptResult::kOk) return false;
  const std::optional<Signal> sent = attempt.signal;
  return sent == Signal::interrupt() || sent == Signal::terminate() || sent == Signal::quit() || sent == Signal::kill();
}

}  // namespace

Sight look_at(const warden::Child& child) {
  const ProcessState state = child.state();
  const warden::AttemptLog log = child.attempt_log();
  Sight sight;
  sight.has_ended = state.kind == ProcessState::Kind::kExited;
  sight.end_was_seen = sight.has_ended && !child.is_armed();
  sight.was_asked_to_end = std::any_of(log.begin(), log.end(), asks_for_the_end);
  sight.is_ours = state.error != warden::Errc::kNotOwner;
  return sight;
}

std::optional<std::string> problem_with(const Sight& before, bool may_exit, const Outcome& outcome) {
  if (!outcome.has_value()) return "could not be ended: " + outcome.error().to_string();
  if (before.end_was_seen) return std::nullopt;
  const warden::TerminationReport& report = outcome.value();
  if (report.status.signal().has_value() && report.cause == warden::EndCause::kByAnother) {
    return "crashed: " + report.status.to_string();
  }
  if (before.has_ended && !may_exit && !before.was_asked_to_end) {
    return "had ended before the test: " + report.status.to_string();
  }
  return std::nullopt;
}

}  // namespace warden_testing::internal

#include "lib/terminate/send_signal.h"

#include <string>
#include <utility>

#include "lib/base/os_error.h"
#include "lib/os/deadline.h"
#include "lib/terminate/attempt_phase.h"

namespace warden::internal {
namespace {

Attempt attempt_of(AttemptOperation operation, AttemptTarget target, Signal signal, int error) {
  Attempt attempt;
  attempt.phase = phase_of(signal);
  attempt.operation = operation;
  attempt.signal = signal;
  attempt.target = target;
  attempt.result = error == 0 ? AttemptResult::kOk : AttemptResult::kFailed;
  if (error != 0) attempt.error = os_error(error);
  return attempt;
}

}  // namespace

Result<void, TerminationError> send_manual_signal(Supervised& child, Lock& lock, Signal signal) {
  Scope& scope = child.scope();
  const AttemptTarget target = scope.has_others() && !scope.is_ours(lock) ? scope.target() : AttemptTarget::kLeader;
  AttemptLog log;
  // An end that is seen is a success; a look that fails is an entry of the log.
  const auto ended = [&] {
    if (child.leader().look(lock)) return true;
    const int error = child.leader().look_error(lock);
    if (error != 0) log.append(attempt_of(AttemptOperation::kCheckStatus, AttemptTarget::kLeader, signal, error));
    return false;
  };
  const auto fail = [&]() -> Result<void, TerminationError> {
    child.set_last_log(lock, log);
    return TerminationError{TerminationError::Kind::kSignalFailed, log[0].error, child.name(), log};
  };
  const auto succeed = [&]() -> Result<void, TerminationError> {
    if (child.leader().ended(lock)) child.set_end_seen(lock);
    if (!log.empty()) child.set_last_log(lock, log);
    return outcome::success();
  };

  if (ended()) return succeed();
  if (!log.empty()) return fail();
  const TimePoint started = child.sys().now();
  std::string detail;
  const int error = scope.send(lock, target, signal.number(), &detail);
  Attempt send = attempt_of(AttemptOperation::kSendSignal, target, signal, error);
  send.detail = std::move(detail);
  send.elapsed = duration_between(started, child.sys().now());
  log.append(send);
  if (error == 0 || ended()) return succeed();
  return fail();
}

}  // namespace warden::internal

// What an escalation sends, and to which target.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/os_error.h"
#include "lib/terminate/attempt_phase.h"
#include "lib/terminate/escalation.h"
#include "warden/log.h"

namespace warden::internal {

AttemptTarget Escalation::target_of(const Lock& lock, AttemptTarget asked) const {
  const bool alone = policy_.leader_only || !scope_.has_others() || scope_.is_ours(lock);
  return alone || asked == AttemptTarget::kLeader ? AttemptTarget::kLeader : scope_.target();
}

void Escalation::ask_ahead(const Lock& lock) {
  if (has_asked_ahead_) return;
  const TimePoint now = child_.sys().now();
  const bool is_due = stage_ == Stage::kPreflight || (stage_ == Stage::kWaiting && now >= deadline());
  if (!is_due || leader_.ended(lock) || next_ == policy_.phases.size() || now >= kill_by_) return;
  const TerminationPhase& phase = policy_.phases[next_];
  if (target_of(lock, phase.target) != AttemptTarget::kTree || phase.signal == Signal::kill()) return;
  has_asked_ahead_ = child_.tree()->ask_ahead(lock, phase.signal.number());
}

int Escalation::send_once(const Lock& lock, Signal signal, AttemptTarget target) {
  const TimePoint started = child_.sys().now();
  std::string detail;
  const int error = scope_.send(lock, target, signal.number(), &detail);
  Attempt& attempt = record(AttemptOperation::kSendSignal, started,
                            error == 0 ? AttemptResult::kOk : AttemptResult::kFailed, os_error(error));
  attempt.signal = signal;
  attempt.target = target;
  attempt.detail = std::move(detail);
  return error;
}

// A signal to a group succeeds where it reached one member, which need not be the leader. The leader is signalled apart
// where it has left the group, or where this process may not signal it (kill(2), EPERM), which a probe shows.
Escalation::Sent Escalation::send(const Lock& lock, Signal signal, AttemptTarget target) {
  const int error = send_once(lock, signal, target);
  const bool missed =
      target == AttemptTarget::kGroup && !leader_.ended(lock) &&
      (scope_.leader_has_moved(lock) || (error == 0 && scope_.send(lock, AttemptTarget::kLeader, 0) == EPERM));
  if (!missed) return {error, error == 0, false};
  const int apart = send_once(lock, signal, AttemptTarget::kLeader);
  return {apart, apart == 0 || error == 0, true};
}

void Escalation::enter_phase(const Lock& lock, const TerminationPhase& phase, AttemptTarget target) {
  phase_ = phase_of(phase.signal);
  signal_ = phase.signal;
  const Sent sent = send(lock, phase.signal, target);
  if (sent.any) send_once(lock, Signal::continue_process(), target);  // a stopped process runs its handler only then
  if (sent.apart && sent.any) send_once(lock, Signal::continue_process(), AttemptTarget::kLeader);
  if (sent.error != 0) {
    warn(LogSeverity::kWarning, absl::StrCat(phase.signal.name(), " could not be sent"),
         os_error(sent.error).message());
  }
  start_waiting(lock, Stage::kWaiting, sent.error, phase.timeout.duration());
}

void Escalation::enter_kill(const Lock& lock) {
  phase_ = leader_.ended(lock) ? AttemptPhase::kSweep : AttemptPhase::kKill;
  signal_ = Signal::kill();
  const AttemptTarget target = target_of(lock, AttemptTarget::kGroup);
  // Where the leader has ended and this process is in its group, no target is left that may be signalled.
  const bool has_target = target != AttemptTarget::kLeader || !leader_.ended(lock);
  const Sent sent = has_target ? send(lock, Signal::kill(), target) : Sent{0, false, false};
  forced_ = sent.any;
  if (sent.error != 0) {
    warn(LogSeverity::kError, "SIGKILL could not be sent; the process may need to be ended by hand",
         os_error(sent.error).message());
  }
  start_waiting(lock, Stage::kWaitingAfterKill, sent.error, policy_.kill_timeout.duration());
}

}  // namespace warden::internal

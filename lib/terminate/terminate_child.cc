// How threads take part in a run: they start or join it, advance it in turn, and get its outcome.
#include <algorithm>
#include <utility>

#include "lib/base/log_message.h"
#include "lib/os/deadline.h"
#include "lib/terminate/escalation.h"

namespace warden::internal {
namespace {

// The longest that the policy would wait after this signal: no time for a phase that it does not have, so that its own
// phases come before its SIGKILL.
absl::Duration timeout_after(const TerminationPolicy& policy, Signal signal) {
  absl::Duration timeout = absl::InfiniteDuration();
  bool has_phase = false;
  for (const TerminationPhase& phase : policy.phases) {
    if (phase.signal != signal) continue;
    timeout = std::min(timeout, phase.timeout);
    has_phase = true;
  }
  return has_phase ? timeout : absl::ZeroDuration();
}

}  // namespace

// A later policy is a wish for the rest: no phase longer than it has it, and SIGKILL no later than its phases add up
// to.
void Escalation::join(const Lock& lock, const TerminationPolicy& policy) {
  const TimePoint now = child_.sys().now();
  absl::Duration total;
  for (const TerminationPhase& theirs : policy.phases) total += theirs.timeout;
  kill_by_ = std::min(kill_by_, deadline_after(now, total));
  for (std::size_t i = next_; i < policy_.phases.size(); ++i) {
    policy_.phases[i].timeout = std::min(policy_.phases[i].timeout, timeout_after(policy, policy_.phases[i].signal));
  }
  if (send_error_ != 0) {  // a grace, whatever it came after
    phase_deadline_ = std::min(phase_deadline_, deadline_after(now, policy.failed_send_grace));
  } else if (stage_ == Stage::kWaitingAfterKill) {
    phase_deadline_ = std::min(phase_deadline_, deadline_after(now, policy.kill_timeout));
  } else if (stage_ == Stage::kWaiting && signal_.has_value()) {
    phase_deadline_ = std::min(phase_deadline_, deadline_after(now, timeout_after(policy, *signal_)));
  }
  policy_.kill_timeout = std::min(policy_.kill_timeout, policy.kill_timeout);
  policy_.failed_send_grace = std::min(policy_.failed_send_grace, policy.failed_send_grace);
  if (policy_.leader_only && !policy.leader_only) widen(lock);
  child_.notify(lock);
}

// From the leader to its group. If SIGKILL has been sent, only the leader got it; the bound stays.
void Escalation::widen(const Lock& lock) {
  policy_.leader_only = false;
  if (stage_ != Stage::kWaitingAfterKill) return;
  const TimePoint bound = phase_deadline_;
  enter_kill(lock);
  phase_deadline_ = std::min(phase_deadline_, bound);
}

std::shared_ptr<Escalation> take_part(Supervised& child, Lock& lock, const TerminationPolicy& policy) {
  child.look(lock);  // the preflight's look, before there is a run that others could join: it may release the lock
  std::shared_ptr<Escalation> run = child.escalation(lock);
  if (run == nullptr || run->over(lock)) {
    run = std::make_shared<Escalation>(child, policy);
    child.set_escalation(lock, run);
  } else {
    run->join(lock, policy);
  }
  return run;
}

void deliver_messages(Supervised& child, Lock& lock, Escalation& run) {
  const std::vector<Escalation::Message> messages = run.take_messages(lock);
  if (messages.empty()) return;
  lock.unlock();
  for (const Escalation::Message& message : messages) {
    log_message({message.severity, child.name(), message.event, message.error});
  }
  lock.lock();
}

TerminationResult outcome_of(Supervised& child, Lock& lock, const Escalation& run) {
  TerminationResult outcome = run.outcome(lock);
  if (outcome.has_value() && child.is_done_with_group(lock)) child.release(lock);
  return outcome;
}

TerminationResult terminate_child(Supervised& child, Lock& lock, const TerminationPolicy& policy) {
  const std::shared_ptr<Escalation> run = take_part(child, lock, policy);
  for (run->advance_after_look(lock);; run->advance(lock)) {
    deliver_messages(child, lock, *run);
    if (run->over(lock)) break;
    run->wait(lock);
  }
  return outcome_of(child, lock, *run);
}

}  // namespace warden::internal

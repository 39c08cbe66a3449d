#include "lib/terminate/terminate_child.h"

#include <vector>

#include "lib/base/log_message.h"

namespace warden::internal {

std::shared_ptr<Escalation> take_part(Supervised& child, Lock& lock, const TerminationPolicy& policy) {
  // The preflight's look comes before there is an escalation that others could join: it may release the lock.
  child.leader().look(lock);
  std::shared_ptr<Escalation> escalation = child.escalation(lock);
  if (escalation == nullptr || escalation->over(lock)) {
    escalation = std::make_shared<Escalation>(child, policy);
    child.set_escalation(lock, escalation);
  } else {
    escalation->join(lock, policy);
  }
  return escalation;
}

void deliver_messages(Supervised& child, Lock& lock, Escalation& escalation) {
  const std::vector<Escalation::Message> messages = escalation.take_messages(lock);
  if (messages.empty()) return;
  lock.unlock();
  for (const Escalation::Message& message : messages) {
    log_message({message.severity, child.name(), message.event, message.error});
  }
  lock.lock();
}

TerminationResult outcome_of(Supervised& child, Lock& lock, const Escalation& escalation) {
  TerminationResult outcome = escalation.outcome(lock);
  if (outcome.has_value() && child.scope().is_done(lock)) child.leader().unpin(lock);
  return outcome;
}

TerminationResult terminate_child(Supervised& child, Lock& lock, const TerminationPolicy& policy) {
  const std::shared_ptr<Escalation> escalation = take_part(child, lock, policy);
  for (escalation->advance_after_look(lock);; escalation->advance(lock)) {
    deliver_messages(child, lock, *escalation);
    if (escalation->over(lock)) break;
    escalation->wait(lock);
  }
  return outcome_of(child, lock, *escalation);
}

}  // namespace warden::internal

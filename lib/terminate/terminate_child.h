// Ends one child by a policy.
#ifndef WARDEN_LIB_TERMINATE_TERMINATE_CHILD_H_
#define WARDEN_LIB_TERMINATE_TERMINATE_CHILD_H_

#include <memory>

#include "lib/terminate/escalation.h"

namespace warden::internal {

// Ends the child by the policy: starts an escalation or joins the one that is under way. Joining shortens it where this
// policy is shorter, and never lengthens it; no phase is ever sent twice or added. Blocks, with the lock released while
// it waits. Log messages are delivered with the lock released. REQUIRES: the policy is valid.
TerminationResult terminate_child(Supervised& child, Lock& lock, const TerminationPolicy& policy);

// The parts of terminate_child, for a caller that ends several children at once.
std::shared_ptr<Escalation> take_part(Supervised& child, Lock& lock, const TerminationPolicy& policy);
void deliver_messages(Supervised& child, Lock& lock, Escalation& escalation);  // releases the lock meanwhile
TerminationResult outcome_of(Supervised& child, Lock& lock, const Escalation& escalation);  // REQUIRES: over()

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_TERMINATE_CHILD_H_

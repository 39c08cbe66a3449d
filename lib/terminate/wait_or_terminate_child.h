// Waits for a child, and ends it where the time is over.
#ifndef WARDEN_LIB_TERMINATE_WAIT_OR_TERMINATE_CHILD_H_
#define WARDEN_LIB_TERMINATE_WAIT_OR_TERMINATE_CHILD_H_

#include "lib/supervise/supervised.h"
#include "warden/result.h"
#include "warden/termination_policy.h"
#include "warden/wait_or_terminate.h"

namespace warden::internal {

// A wait that breaks ends the child too. Releases the lock while it waits. The wait closes stdin first, unless a thread
// feeds it. REQUIRES: the timeout and the policy are valid.
Result<WaitOrTerminateResult, WaitOrTerminateError> wait_or_terminate_child(Supervised& child, Lock& lock,
                                                                            absl::Duration timeout,
                                                                            const TerminationPolicy& policy,
                                                                            bool is_fed = false);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_WAIT_OR_TERMINATE_CHILD_H_

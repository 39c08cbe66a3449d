// Ends several children at once.
#ifndef WARDEN_LIB_TERMINATE_TERMINATE_CHILDREN_H_
#define WARDEN_LIB_TERMINATE_TERMINATE_CHILDREN_H_

#include <vector>

#include "lib/terminate/escalation.h"

namespace warden::internal {

// One outcome for each, in their order. Each child's run goes by its own clock, so that a signal is sent to every child
// before the first wait for any. A child may be there twice. No lock may be held. Blocks as terminate_child does, for
// the slowest and not for the sum. REQUIRES: the policy is valid; all children have the same Sys.
std::vector<TerminationResult> terminate_children(const std::vector<Supervised*>& children,
                                                  const TerminationPolicy& policy);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_TERMINATE_CHILDREN_H_

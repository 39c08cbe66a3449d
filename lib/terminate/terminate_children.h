// Ends several children at once.
#ifndef WARDEN_LIB_TERMINATE_TERMINATE_CHILDREN_H_
#define WARDEN_LIB_TERMINATE_TERMINATE_CHILDREN_H_

#include <vector>

#include "lib/terminate/escalation.h"

namespace warden::internal {

// Returns one outcome for each child, in their order. Each escalation has its own clock, so that every child gets its
// signal before the first wait for any. `children` may name a child twice. Blocks as terminate_child does, for the
// slowest child and not for the sum. REQUIRES: no lock is held; the policy is valid; all children have the same Sys.
std::vector<TerminationResult> terminate_children(const std::vector<Supervised*>& children,
                                                  const TerminationPolicy& policy);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_TERMINATE_CHILDREN_H_

// Ends many children in the time of the slowest.
#ifndef WARDEN_TERMINATE_ALL_H_
#define WARDEN_TERMINATE_ALL_H_

#include <vector>

#include "warden/child.h"
#include "warden/result.h"
#include "warden/termination_error.h"
#include "warden/termination_policy.h"
#include "warden/termination_report.h"

namespace warden {

// Child::terminate_with_report for each at once: every child gets the signal of a phase before any is waited for, each
// goes through its phases by itself, and one reading of /proc serves all who need one. One outcome for each, in their
// order; a child that cannot be ended holds up nobody else.
// Blocks: as terminate does, for the slowest and not for the sum.
// Errors: each as of terminate. With a wrong policy nothing is sent to anybody. A null pointer and a moved-from Child
// give Errc::kEmptyHandle.
std::vector<Result<TerminationReport, TerminationError>> terminate_all(const std::vector<Child*>& children,
                                                                       const TerminationPolicy& policy);
std::vector<Result<TerminationReport, TerminationError>> terminate_all(std::vector<Child>& children,
                                                                       const TerminationPolicy& policy);

}  // namespace warden

#endif  // WARDEN_TERMINATE_ALL_H_

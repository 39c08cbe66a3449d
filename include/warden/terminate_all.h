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

// Does Child::terminate_with_report for all children at once. Sends the signal of a phase to every child before it
// waits for any; each child goes through its phases by itself, and one reading of /proc serves all that need one.
// Returns one outcome for each, in their order; a child that cannot be ended holds up no other.
// Blocks: as terminate does, for the slowest and not for the sum.
// Errors: for each as of terminate. With a wrong policy no child gets a signal. A null pointer and a moved-from Child
// give Errc::kEmptyHandle. A child that stands there twice has the same outcome twice.
std::vector<Result<TerminationReport, TerminationError>> terminate_all(const std::vector<Child*>& children,
                                                                       const TerminationPolicy& policy);
std::vector<Result<TerminationReport, TerminationError>> terminate_all(std::vector<Child>& children,
                                                                       const TerminationPolicy& policy);

}  // namespace warden

#endif  // WARDEN_TERMINATE_ALL_H_

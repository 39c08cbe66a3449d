// Polls the caller's predicate until it says that the child is ready.
#ifndef WARDEN_LIB_CHILD_WAIT_UNTIL_READY_H_
#define WARDEN_LIB_CHILD_WAIT_UNTIL_READY_H_

#include <optional>

#include "absl/time/time.h"
#include "lib/supervise/supervised.h"
#include "warden/error.h"
#include "warden/readiness.h"
#include "warden/result.h"
#include "warden/timeout.h"

namespace warden::internal {

// The first argument that is wrong; empty when none is.
std::optional<InvalidArgument> check_readiness_arguments(const ReadyPredicate& predicate, Timeout interval,
                                                         Timeout timeout);

// Calls the predicate at once, after each interval and at the end of the timeout, but looks for the exit first. Calls
// it with no lock held, and with the thread's cancellation state as the caller left it. An exit that is returned
// counts as having seen it.
// REQUIRES: check_readiness_arguments() finds nothing.
Result<Readiness, WaitError> wait_until_ready(Supervised& child, const ReadyPredicate& predicate,
                                              absl::Duration interval, absl::Duration timeout);

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_WAIT_UNTIL_READY_H_

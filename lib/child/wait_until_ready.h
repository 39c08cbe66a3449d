// Waits until a child is ready, as a predicate of the program has it.
#ifndef WARDEN_LIB_CHILD_WAIT_UNTIL_READY_H_
#define WARDEN_LIB_CHILD_WAIT_UNTIL_READY_H_

#include <optional>

#include "absl/time/time.h"
#include "lib/supervise/supervised.h"
#include "warden/error.h"
#include "warden/readiness.h"
#include "warden/result.h"

namespace warden::internal {

// What is wrong with the arguments.
std::optional<InvalidArgument> check_readiness_arguments(const ReadyPredicate& predicate, absl::Duration interval,
                                                         absl::Duration timeout);

// Asks at once, after each interval and at the end of the timeout; an exit is seen first. The predicate runs with no
// lock held, and with the thread's cancellation as it was. An exit that is returned disarms. REQUIRES: the arguments
// are right.
Result<Readiness> wait_until_ready(Supervised& child, const ReadyPredicate& predicate, absl::Duration interval,
                                   absl::Duration timeout);

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_WAIT_UNTIL_READY_H_

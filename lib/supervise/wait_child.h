// Waits for a child's own exit.
#ifndef WARDEN_LIB_SUPERVISE_WAIT_CHILD_H_
#define WARDEN_LIB_SUPERVISE_WAIT_CHILD_H_

#include <optional>

#include "lib/supervise/supervised.h"
#include "warden/error.h"
#include "warden/result.h"

namespace warden::internal {

// The status, or nothing if the deadline passed first. Looks at least once. The waiter polls the pidfd itself, beside
// the reaper, so that its wake-up does not depend on another thread's. Releases the lock while it waits. An exit that
// is returned counts as having seen it.
Result<std::optional<ExitStatus>, WaitError> wait_child(Supervised& child, Lock& lock, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_WAIT_CHILD_H_

// Writes to a child's stdin pipe, with a deadline.
#ifndef WARDEN_LIB_STDIN_WRITE_STDIN_H_
#define WARDEN_LIB_STDIN_WRITE_STDIN_H_

#include <string_view>

#include "lib/supervise/supervised.h"
#include "warden/result.h"
#include "warden/stdin_error.h"

namespace warden::internal {

// Tries at least once. Ends early when the pipe has no reader, when it is closed and when the reaper or a waiter has
// published the exit. Looks for the exit itself only where the host has closed the pidfd, since a look may take longer
// than the deadline. Writers take turns. Releases the lock while it writes and waits.
Result<void, StdinError> write_stdin(Supervised& child, Lock& lock, std::string_view data, TimePoint deadline);

// Why nothing can be written any more, whatever the state of the pipe; empty when something can.
std::optional<StdinError::Kind> why_not_writable(Supervised& child, const Lock& lock);

}  // namespace warden::internal

#endif  // WARDEN_LIB_STDIN_WRITE_STDIN_H_

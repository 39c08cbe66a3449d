// What the destructor of a handle does with its child.
#ifndef WARDEN_LIB_CHILD_END_OF_HANDLE_H_
#define WARDEN_LIB_CHILD_END_OF_HANDLE_H_

#include "lib/child/handle.h"

namespace warden::internal {

// Ends an armed child by the policy of terminate_on_drop. Without one, or where it fails, sends SIGKILL to the child's
// group, waits for a bounded time and reports the mistake. Leaves an excused child alone. Either way closes the stdin
// pipe, and the reaper collects the exit. In a forked copy of the owner only closes the copy's descriptors.
void end_handle(Handle& handle) noexcept;

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_END_OF_HANDLE_H_

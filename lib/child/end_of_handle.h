// What the destructor of a handle does with its child.
#ifndef WARDEN_LIB_CHILD_END_OF_HANDLE_H_
#define WARDEN_LIB_CHILD_END_OF_HANDLE_H_

#include "lib/child/handle.h"

namespace warden::internal {

// Does what the program asked for (OnDestruction), unless it has seen the end of the child. By default, and where the
// policy fails, sends SIGKILL to the child's group, waits for a bounded time and reports the mistake. Closes the stdin
// pipe in any case, and the reaper collects the exit. In a forked copy of the owner only closes the copy's descriptors.
void end_handle(Handle& handle) noexcept;

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_END_OF_HANDLE_H_

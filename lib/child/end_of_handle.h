// What the destructor of a handle does with its child.
#ifndef WARDEN_LIB_CHILD_END_OF_HANDLE_H_
#define WARDEN_LIB_CHILD_END_OF_HANDLE_H_

#include "lib/child/handle.h"

namespace warden::internal {

// An armed child is ended: by the policy of terminate_on_drop if there is one; else, or if that fails, by SIGKILL to
// its group, bounded, and the mistake is reported. An excused one is left alone. Either way the stdin pipe is closed
// and the exit will be collected. In a forked copy of the owner nothing of that is done, but the copy's descriptors are
// closed.
void end_handle(Handle& handle) noexcept;

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_END_OF_HANDLE_H_

// What the destructor of a handle does with its child.
#ifndef WARDEN_LIB_INTERNAL_DROP_H_
#define WARDEN_LIB_INTERNAL_DROP_H_

#include "lib/internal/handle.h"

namespace warden::internal {

// An armed child is ended (SIGKILL to its group, bounded) and the mistake is reported; an excused one is left alone.
// Either way the stdin pipe is closed and the exit will be collected.
void drop_child(Handle& handle) noexcept;

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_DROP_H_

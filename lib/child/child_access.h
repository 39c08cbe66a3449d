// Gives the rest of the library the handle behind a Child.
#ifndef WARDEN_LIB_CHILD_CHILD_ACCESS_H_
#define WARDEN_LIB_CHILD_CHILD_ACCESS_H_

#include <memory>

#include "lib/child/handle.h"
#include "warden/child.h"

namespace warden::internal {

struct ChildAccess {
  // Null for a handle that was moved from.
  static const Handle* handle(const Child& child) { return child.handle_; }
  static Child make(std::unique_ptr<Handle> handle) { return Child(handle.release()); }
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_CHILD_ACCESS_H_

#include "lib/internal/wait_child.h"

#include "lib/internal/os_error.h"

namespace warden::internal {

Result<std::optional<ExitStatus>> wait_child(Supervised& child, Lock& lock, TimePoint deadline) {
  // The pidfd first: a look at a child that still runs would say nothing.
  if (child.child().pidfd >= 0 && !child.ended(lock) && child.sys().now() < deadline) {
    lock.unlock();
    child.sys().poll_readable(&child.child().pidfd, 1, deadline);
    lock.lock();
  }
  while (!child.look(lock)) {
    if (child.look_error(lock) != 0) {
      return WaitError{os_error(child.look_error(lock)), child.name()};
    }
    if (child.sys().now() >= deadline) return std::optional<ExitStatus>();
    // Readable and still not to be waited for means a tracer: the reaper goes on looking and tells us.
    child.wait_changed(lock, deadline);
  }
  child.set_armed(lock, false);
  return std::optional<ExitStatus>(child.status(lock));
}

}  // namespace warden::internal

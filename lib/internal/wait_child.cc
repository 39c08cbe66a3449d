#include "lib/internal/wait_child.h"

#include "lib/internal/os_error.h"

namespace warden::internal {

Result<std::optional<ExitStatus>> wait_child(Supervised& child, Lock& lock, TimePoint deadline) {
  bool may_poll = child.child().pidfd >= 0;
  while (!child.look(lock)) {
    if (child.look_error(lock) != 0) {
      return WaitError{os_error(child.look_error(lock)), child.name()};
    }
    if (child.sys().now() >= deadline) return std::optional<ExitStatus>();
    if (may_poll) {
      lock.unlock();
      child.sys().poll_readable(&child.child().pidfd, 1, deadline);
      lock.lock();
      may_poll =
          false;  // readable and still not to be waited for means a tracer: the reaper goes on looking and tells us
    } else {
      child.wait_changed(lock, deadline);
    }
  }
  child.set_armed(lock, false);
  return std::optional<ExitStatus>(child.status(lock));
}

}  // namespace warden::internal

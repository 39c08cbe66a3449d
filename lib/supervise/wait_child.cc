#include "lib/supervise/wait_child.h"

#include "lib/base/os_error.h"

namespace warden::internal {

Result<std::optional<ExitStatus>, WaitError> wait_child(Supervised& child, Lock& lock, TimePoint deadline) {
  for (bool has_ended = child.leader().look_when_readable(lock, deadline); !has_ended;
       has_ended = child.leader().look(lock)) {
    if (child.leader().look_error(lock) != 0) {
      return WaitError{os_error(child.leader().look_error(lock)), child.name()};
    }
    if (child.sys().now() >= deadline) return std::optional<ExitStatus>();
    // A tracer holds it, if it was readable: the reaper goes on looking and tells us.
    child.leader().wait_for_news(lock, deadline);
  }
  child.set_told(lock);
  return std::optional<ExitStatus>(child.leader().status(lock));
}

}  // namespace warden::internal

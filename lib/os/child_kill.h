// SIGKILL for one child that this thread has started, and has not reaped.
#ifndef WARDEN_LIB_OS_CHILD_KILL_H_
#define WARDEN_LIB_OS_CHILD_KILL_H_

#include <errno.h>
#include <signal.h>

#include "lib/os/refused.h"
#include "lib/os/sys.h"

namespace warden::internal {

// By the pidfd, or by the number where there is none or that way is refused.
inline void kill_child(Sys& sys, ChildId child) {
  const int error = child.pidfd < 0 ? ENOSYS : -sys.pidfd_kill_process(child.pidfd, SIGKILL);
  if (is_signal_by_pidfd_refused(error)) sys.kill_process(child.pid, SIGKILL);
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_CHILD_KILL_H_

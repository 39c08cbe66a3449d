// A pidfd of a child that was started without one.
#ifndef WARDEN_LIB_OS_CHILD_PIDFD_H_
#define WARDEN_LIB_OS_CHILD_PIDFD_H_

#include <errno.h>

#include "lib/os/sys.h"
#include "lib/os/sys_fd.h"

namespace warden::internal {

// -1 where the kernel gives none, and where the number is not the child's any more because somebody else has reaped it:
// a look through the new pidfd tells.
inline int open_child_pidfd(Sys& sys, int pid) {
  SysFd opened(sys, sys.pidfd_open(pid));
  if (opened.get() < 0 || sys.look({pid, opened.get()}, Reap::kLeave).error == ECHILD) return -1;
  return opened.release();
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_CHILD_PIDFD_H_

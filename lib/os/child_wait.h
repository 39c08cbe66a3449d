// The waits for one child, and no other. A call that a signal handler interrupts is repeated.
#ifndef WARDEN_LIB_OS_CHILD_WAIT_H_
#define WARDEN_LIB_OS_CHILD_WAIT_H_

#include <signal.h>
#include <sys/resource.h>

#include "lib/os/sys.h"

namespace warden::internal {

// waitid(2): by the pidfd, or by the number where there is none or that wait is refused (refused.h). 0, or an errno.
// Without __WALL it finds a child whose exit signal is SIGCHLD, and one that this process traces. `by_pidfd`: whether
// the pidfd was taken, and so is one of the child that `info` names.
int wait_for(ChildId child, int options, siginfo_t* info, struct rusage* usage = nullptr, bool* by_pidfd = nullptr);

// Reaps the child, in the same way; blocks until it has ended. `which`: 0 or __WCLONE (waitpid(2)). True if there was
// one.
bool reap(ChildId child, int which);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_CHILD_WAIT_H_

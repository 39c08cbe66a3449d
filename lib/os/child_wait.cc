#include "lib/os/child_wait.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/os/kernel_abi.h"
#include "lib/os/refused.h"

namespace warden::internal {
namespace {

// The raw call, since it returns the resource usage, and waitid(3) does not. 0, or an errno.
int raw_waitid(int type, int id, int options, siginfo_t* info, struct rusage* usage) {
  for (;;) {
    if (::syscall(SYS_waitid, type, id, info, options, usage) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

int wait_by_pidfd(ChildId child, int options, siginfo_t* info, struct rusage* usage) {
  return child.pidfd < 0 ? EBADF : raw_waitid(kWaitByPidfd, child.pidfd, options, info, usage);
}

}  // namespace

int wait_for(ChildId child, int options, siginfo_t* info, struct rusage* usage, bool* by_pidfd) {
  int error = wait_by_pidfd(child, options, info, usage);
  const bool is_refused = is_wait_by_pidfd_refused(error);
  if (by_pidfd != nullptr) *by_pidfd = !is_refused;
  if (is_refused) error = raw_waitid(P_PID, child.pid, options, info, usage);
  if (is_wait_for_all_refused(error)) error = raw_waitid(P_PID, child.pid, options & ~__WALL, info, usage);
  return error;
}

// By number with waitpid(2), which has known __WCLONE for longer than waitid(2).
bool reap(ChildId child, int which) {
  siginfo_t info = {};
  const int error = wait_by_pidfd(child, WEXITED | which, &info, nullptr);
  if (!is_wait_by_pidfd_refused(error)) return error == 0;
  int found = 0;
  do {
    found = ::waitpid(child.pid, nullptr, which);
  } while (found < 0 && errno == EINTR);
  return found == child.pid;
}

}  // namespace warden::internal

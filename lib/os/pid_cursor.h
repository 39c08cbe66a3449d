// How far the kernel has come with the numbers that it gives to processes.
#ifndef WARDEN_LIB_OS_PID_CURSOR_H_
#define WARDEN_LIB_OS_PID_CURSOR_H_

#include <algorithm>
#include <cstdint>
#include <optional>

namespace warden::internal {

// The kernel gives the numbers in ascending order, and starts again from the lowest free one when it has come to the
// end.
struct PidCursor {
  int newest = 0;           // given last, in this pid namespace
  std::uint64_t forks = 0;  // processes and threads that were started since the boot, in all namespaces
  std::uint64_t turn = 0;   // it takes at least so many to give every number once
};

// Which of the two is read first: so the forks between two cursors are all those between their numbers, and more.
enum class PidCursorOrder { kForksFirst, kNewestFirst };

// From /proc/loadavg, /proc/stat and /proc/sys/kernel/pid_max (proc(5)). Empty where they do not tell: with the mount
// option subset=pid, where a container's own files cover them (lxcfs), or with fewer numbers than the machine has
// threads.
std::optional<PidCursor> read_pid_cursor(PidCursorOrder order);

// The newest number alone, from /proc/loadavg; the highest int where that does not tell.
int read_newest_pid();

// Whether the kernel may have started again in between. `before` was read with the forks first, `after` with them last.
inline bool may_have_started_again(const PidCursor& before, const PidCursor& after) {
  return after.newest < before.newest || after.forks - before.forks >= std::min(before.turn, after.turn);
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PID_CURSOR_H_

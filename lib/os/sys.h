// The seam: what supervision, termination and stdin ask of the kernel, and the clock; tests script it. Launching and
// the output call the kernel themselves, and are tested with real pipes.
//
// A call that fails returns -errno. A call that a signal handler interrupts is repeated, with the rest of its time.
#ifndef WARDEN_LIB_OS_SYS_H_
#define WARDEN_LIB_OS_SYS_H_

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "lib/os/pid_cursor.h"
#include "warden/exit_status.h"

namespace warden::internal {

using TimePoint = std::chrono::steady_clock::time_point;

// What waitid says of a child.
struct WaitOutcome {
  int error = 0;  // 0, or the errno
  std::optional<ExitStatus>
      status;  // empty without an error: it is running, or dead and not waitable yet (a tracer holds it)
  bool is_reaped = false;
};

// A child by its pidfd, or by its number where there is no pidfd.
struct ChildId {
  int pid = -1;
  int pidfd = -1;
};

// What a wait does with the zombie.
enum class Reap {
  kLeave,
  kCollect,
  kCollectIfGroupSignals,  // where has_pidfd_group_signals(), once the end has been seen by the pidfd
};

class Sys {
 public:
  virtual TimePoint now() = 0;

  // Waits on the condition variable until notified or the deadline (TimePoint::max() is none). May wake without a
  // cause.
  virtual void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, TimePoint deadline) = 0;

  // poll(2) for POLLIN on each; true when one is ready, false at the deadline.
  virtual bool poll_readable(const int* fds, std::size_t count, TimePoint deadline) = 0;
  // poll(2) for anything; true when one is ready, false at the deadline.
  virtual bool poll_any(pollfd* polled, std::size_t count, TimePoint deadline) = 0;

  // Writes what fits into the pipe at once. Returns how much, or -EAGAIN when it is full, -EPIPE without a reader.
  // Neither blocks nor leaves a SIGPIPE.
  virtual ssize_t write_pipe(int fd, const char* data, std::size_t size) = 0;

  // waitid(2) for this child, WEXITED | __WALL: by the pidfd if there is one. Never blocks.
  virtual WaitOutcome look(ChildId child, Reap reap) = 0;
  // waitid(2), WEXITED | __WALL | WNOWAIT, by number, blocking until the child can be waited for or is not ours.
  virtual void block_until_waitable(int pid) = 0;
  // PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15): the status of a child that other code has reaped; empty when the
  // kernel has none (yet, or at all: `error`).
  virtual WaitOutcome exit_info(int pidfd) = 0;

  virtual int pidfd_open(int pid) = 0;
  // kill(2) by number; `pid` > 1.
  virtual int kill_process(int pid, int signal) = 0;
  // kill(2) of a group by number; `pgid` > 1.
  virtual int kill_group(int pgid, int signal) = 0;
  // pidfd_send_signal(2) to the process.
  virtual int pidfd_kill_process(int pidfd, int signal) = 0;
  // pidfd_send_signal(2) with PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9; EINVAL before): to the group that it leads or led.
  virtual int pidfd_kill_group(int pidfd, int signal) = 0;
  // Whether such a signal is an answer about the group, and not refused by an older kernel or a filter.
  virtual bool has_pidfd_group_signals(int pidfd) = 0;

  // Ties the pidfd to the group that its process leads, so that marked_group_exists can tell later whether that group
  // is still there. False where the kernel cannot tell (before Linux 5.12).
  virtual bool mark_group(int pidfd, int pgid) = 0;
  // Whether that very group has a member, a zombie included, even if another has its number by now. REQUIRES: marked.
  virtual bool marked_group_exists(int pidfd) = 0;

  // Runs `work`, which opens two descriptors at once at most, for a moment, and uses none that is open already. Where
  // the process's table has no room for them, on another thread with a private table.
  virtual void with_free_descriptors(const std::function<void()>& work) = 0;

  // Calls `visit` with the number of each process in /proc: first of those above `newest`, then of all in ascending
  // order, where it looks for the next one only after each visit. One above `newest` is visited again where its number
  // may have been given to another by then. False where `visit` returns false, which ends it, or where processes may be
  // missing: /proc cannot be listed, is another pid namespace's, may hide the processes of other users, or gets new
  // ones as fast as it is read.
  virtual bool visit_processes(int newest, const std::function<bool(int pid)>& visit) = 0;
  // How far the kernel has come with the numbers of processes; empty where /proc does not tell.
  virtual std::optional<PidCursor> pid_cursor(PidCursorOrder order) = 0;
  // The text of /proc/<pid>/<name>, or -errno.
  virtual int read_proc(int pid, const char* name, std::string* text) = 0;

  // getpgid(2); 0 is this process.
  virtual int get_process_group(int pid) = 0;

  // eventfd(2): a descriptor that is readable from the first signal_event on; or -errno.
  virtual int make_event() = 0;
  virtual void signal_event(int fd) = 0;
  // Neither this nor signal_event() touches a file that the host has at that number since.
  virtual void close_event(int fd) = 0;
  virtual void close_fd(int fd) = 0;

 protected:
  constexpr Sys() = default;
  ~Sys() = default;
};

// The real one. It has no state.
Sys& linux_sys();

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_SYS_H_

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lib/os/child_wait.h"
#include "lib/os/deadline.h"
#include "lib/os/file_identity.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/kernel_version.h"
#include "lib/os/pid_cursor.h"
#include "lib/os/pipe_write.h"
#include "lib/os/private_table.h"
#include "lib/os/proc.h"
#include "lib/os/refused.h"
#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "lib/os/valgrind.h"
#include "lib/os/wait_status.h"

namespace warden::internal {
namespace {

int result_of(long returned) { return returned < 0 ? -errno : static_cast<int>(returned); }

// Whether waitid(2) tells of an end. It shows a tracer every stop of its tracee, whatever the options, with codes and
// numbers of its own (ptrace(2)).
bool is_end(const siginfo_t& info) {
  return info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
}

// The exit status in a siginfo of waitid(2). REQUIRES: is_end().
ExitStatus status_of(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return ExitStatus::exited(info.si_status & 0xff);
  return ExitStatus::signaled(Signal::from_number(info.si_status).value(), info.si_code == CLD_DUMPED);
}

// An end of the child, whatever its exit signal: an adopted one need not have SIGCHLD.
constexpr int kAnyEnd = WEXITED | __WALL;

// What the kernel knows of the end of a process. 0, or an errno.
int get_info(int pidfd, PidfdInfo* info) {
  *info = {};
  info->mask = kPidfdInfoExit;
  return ::ioctl(pidfd, kPidfdGetInfo, info) == 0 ? 0 : errno;
}

// At most sixty days at a time, which no conversion on the way can overflow.
timespec time_left(TimePoint now, TimePoint deadline) {
  if (deadline <= now) return {0, 0};  // TimePoint::min() is further away than the difference can hold
  const auto left = std::clamp(std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - now),
                               std::chrono::nanoseconds(0), std::chrono::nanoseconds(std::chrono::hours(24 * 60)));
  return {static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
}

class LinuxSys final : public Sys {
 public:
  constexpr LinuxSys() = default;

  TimePoint now() override { return std::chrono::steady_clock::now(); }

  void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, TimePoint deadline) override {
    if (deadline == TimePoint::max()) {
      changed.wait(lock);
    } else {
      changed.wait_until(lock, deadline);
    }
  }

  bool poll_readable(const int* fds, std::size_t count, TimePoint deadline) override {
    std::array<pollfd, 3> few;  // one child's wait allocates nothing
    std::vector<pollfd> many(count > few.size() ? count : 0);
    pollfd* const polled = many.empty() ? few.data() : many.data();
    for (std::size_t i = 0; i < count; ++i) polled[i] = {fds[i], POLLIN, 0};
    return poll_any(polled, count, deadline);
  }

  bool poll_any(pollfd* polled, std::size_t count, TimePoint deadline) override {
    for (;;) {
      const TimePoint before = now();
      const timespec left = time_left(before, deadline);
      const int ready = ::ppoll(polled, count, deadline == TimePoint::max() ? nullptr : &left, nullptr);
      if (ready > 0) return true;
      if (ready == 0 && now() >= deadline) return false;
      if (ready < 0 && errno != EINTR) return true;  // out of memory or of limits: let the caller look again
    }
  }

  ssize_t write_pipe(int fd, const char* data, std::size_t size) override { return write_what_fits(fd, data, size); }

  // An end is collected only once it has been seen: to collect a stop would take the notice from a host that traces its
  // own child.
  WaitOutcome look(ChildId child, Reap reap) override {
    siginfo_t info = {};
    struct rusage usage = {};
    bool by_pidfd = false;
    const int error = wait_for(child, kAnyEnd | WNOHANG | WNOWAIT, &info, &usage, &by_pidfd);
    if (error != 0) return {error, std::nullopt};
    if (info.si_pid == 0 || !is_end(info)) return {};
    if (info.si_pid != child.pid) return look({child.pid, -1}, reap);  // the pidfd is another child's of the host
    const bool has_group_signals =
        reap == Reap::kCollectIfGroupSignals && by_pidfd && has_pidfd_group_signals(child.pidfd);
    const bool collects = reap == Reap::kCollect || has_group_signals;
    siginfo_t collected = {};
    if (collects) wait_for(child, kAnyEnd | WNOHANG, &collected);
    return {0, status_of(info).with_resource_usage(usage_of(usage)), collects};
  }

  void block_until_waitable(int pid) override {
    siginfo_t info = {};
    wait_for({pid, -1}, kAnyEnd | WNOWAIT, &info);
  }

  // The kernel looks for the status first and for the process then, and says ESRCH where it finds neither. That
  // happens, too, when the process goes in between: asked again, the kernel has the status.
  WaitOutcome exit_info(int pidfd) override {
    PidfdInfo info = {};
    int error = get_info(pidfd, &info);
    if (error == ESRCH) error = get_info(pidfd, &info);
    if (error != 0) return {error, std::nullopt};
    if ((info.mask & kPidfdInfoExit) == 0) return {};
    return {0, encoded_status(info.exit_code)};
  }

  int pidfd_open(int pid) override {
    if (runs_on_valgrind()) return -ENOSYS;  // as valgrind says (3.19), which writes ten lines about each call
    const int fd = result_of(::syscall(SYS_pidfd_open, pid, 0));
    return fd < 0 ? fd : raise_above_stdio(fd);
  }

  int kill_process(int pid, int signal) override { return pid > 1 ? result_of(::kill(pid, signal)) : -ESRCH; }

  int kill_group(int pgid, int signal) override { return pgid > 1 ? result_of(::kill(-pgid, signal)) : -ESRCH; }

  int pidfd_kill_process(int pidfd, int signal) override {
    return result_of(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
  }

  int pidfd_kill_group(int pidfd, int signal) override {
    return result_of(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, kPidfdSignalProcessGroup));
  }

  bool has_pidfd_group_signals(int pidfd) override {
    const int error = -pidfd_kill_group(pidfd, 0);
    return error == EPERM ? may_signal_own_group() : !is_group_signal_by_pidfd_refused(error);
  }

  // The kernel keeps the owner of a descriptor's SIGIO (fcntl(2), F_SETOWN) as the group itself, not as its number, and
  // reports 0 once the group is empty. A mark that cannot be read back is none.
  bool mark_group(int pidfd, int pgid) override {
    return tells_of_dead_owners() && pgid > 1 && ::fcntl(pidfd, F_SETOWN, -pgid) == 0 && marked_group_exists(pidfd);
  }

  // Not F_GETOWN: its answer for a group is negative, and the C library takes that for an error.
  bool marked_group_exists(int pidfd) override {
    struct f_owner_ex owner = {};
    return ::fcntl(pidfd, F_GETOWN_EX, &owner) == 0 && owner.pid != 0;
  }

  void with_free_descriptors(const std::function<void()>& work) override {
    const int one = make_event();
    const int other = one < 0 ? one : make_event();
    for (const int fd : {one, other}) {
      if (fd >= 0) close_fd(fd);
    }
    if (other != -EMFILE || !run_in_private_table(work)) work();
  }

  bool visit_processes(int newest, const std::function<bool(int pid)>& visit) override {
    return visit_proc(newest, read_newest_pid, visit);
  }

  std::optional<PidCursor> pid_cursor(PidCursorOrder order) override { return read_pid_cursor(order); }

  int read_proc(int pid, const char* name, std::string* text) override {
    return read_proc_file(absl::StrCat("/proc/", pid, "/", name).c_str(), text);
  }

  int get_process_group(int pid) override { return result_of(::getpgid(pid)); }

  int make_event() override {
    int fd = result_of(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (fd >= 0) fd = raise_above_stdio(fd);
    if (fd < 0 || mark_file(fd, kEventMark)) return fd;
    const int error = errno;
    ::close(fd);
    return -error;
  }

  void signal_event(int fd) override {
    if (has_mark(fd, kEventMark)) ::eventfd_write(fd, 1);
  }

  void close_event(int fd) override {
    if (has_mark(fd, kEventMark)) ::close(fd);
  }

  void close_fd(int fd) override { ::close(fd); }

 private:
  // Since Linux 5.12 F_GETOWN answers with 0 for an owner that is gone.
  static bool tells_of_dead_owners() { return kernel_is_at_least(5, 12); }

  // Whether EPERM was about a group, and not a filter's: we may signal ourselves. This process need not lead a group
  // (ESRCH). Where only a descriptor is missing, the answer is believed.
  bool may_signal_own_group() {
    const UniqueFd self(pidfd_open(::getpid()));
    if (self.get() < 0) return self.get() == -EMFILE || self.get() == -ENFILE || self.get() == -ENOMEM;
    const int error = -pidfd_kill_group(self.get(), 0);
    return error == 0 || error == ESRCH;
  }
};

// Constant-initialised and trivially destroyed.
LinuxSys the_kernel;

}  // namespace

Sys& linux_sys() { return the_kernel; }

}  // namespace warden::internal

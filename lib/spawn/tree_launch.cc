#include "lib/spawn/tree_launch.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "lib/keeper/image.h"
#include "lib/keeper/protocol.h"
#include "lib/os/all_signals_blocked.h"
#include "lib/os/child_kill.h"
#include "lib/os/child_wait.h"
#include "lib/os/deadline.h"
#include "lib/os/raw_syscall.h"
#include "lib/os/unique_fd.h"
#include "lib/os/valgrind.h"
#include "lib/spawn/child_stack.h"
#include "lib/spawn/exec_keeper.h"
#include "lib/spawn/exec_watch.h"

// See launcher.cc.
extern "C" int __clone(int (*body)(void*), void* stack, int flags, void* argument, ...) noexcept;

namespace warden::internal {
namespace {

// How long a keeper whose program has gone may take to end by itself.
constexpr absl::Duration kLongestEnd = absl::Seconds(3);

LaunchResult refused(KeeperPart part, int error) {
  LaunchResult result = failed(error);
  result.step = SpawnError::Step::kContain;
  result.subject = static_cast<int>(part);
  return result;
}

constexpr absl::Duration kNumberPause = absl::Milliseconds(1);

// How often a child is looked for whose keeper has been killed while it made it.
constexpr int kMostLooksWithoutChild = 200;

UniqueFd raised(int fd) { return raise_above_stdio(UniqueFd(fd)); }

// What the host holds for a launch; the keeper takes copies.
struct Parts {
  UniqueFd ours, keepers, host, image;

  // The part that is refused, with errno; kNone where there is none.
  KeeperPart open() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return KeeperPart::kSocket;
    ours = UniqueFd(ends[0]);
    keepers = raised(ends[1]);
    ours = raise_above_stdio(std::move(ours));
    if (ours.get() < 0 || keepers.get() < 0) return KeeperPart::kSocket;
    host = raised(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (host.get() < 0) return KeeperPart::kHostPidfd;
    image = UniqueFd(open_keeper_image());
    if (image.get() < 0) {
      errno = -image.get();
      return KeeperPart::kImage;
    }
    return KeeperPart::kNone;
  }
  void close_copied() {
    keepers.reset();
    host.reset();
    image.reset();
  }
};

int raised_pidfd(int fd) { return fd < 0 ? -1 : std::max(raise_above_stdio(fd), -1); }

// The keeper executes its program while this thread waits for the child. Only where that cannot tell of its end by
// memory that the two share, this returns when the keeper has executed, or ended.
ChildId clone_keeper(ExecKeeperArgs& args, const ChildStack& stack, int* error) {
  const unsigned flags = unsigned{CLONE_VM} | unsigned{CLONE_FILES} | unsigned{CLONE_PIDFD} |
                         (args.own_memory ? unsigned{CLONE_VFORK} : 0u);
  args.is_on_the_way = args.own_memory ? 0 : 1;
  ChildId keeper;
  const AllSignalsBlocked blocked;  // in the keeper, for good; and no handler may run in the host's memory
  keeper.pid = __clone(exec_keeper, stack.top(), static_cast<int>(flags), &args, &keeper.pidfd);
  *error = keeper.pid < 0 ? errno : 0;
  return keeper;
}

bool is_readable(int fd) { return linux_sys().poll_readable(&fd, 1, TimePoint::min()); }

// The child's way to its exec, of which nobody tells but the memory that it shares with this process, or a pipe.
class Way {
 public:
  Way(const ExecKeeperArgs& args, const Pipe& exec_pipe) : args_(args), pipe_(exec_pipe) {}

  // As the keeper has made it; none before. Where the keeper was killed directly afterwards, the child itself tells.
  ChildId child() const {
    const volatile ExecKeeperArgs& args = args_;
    const volatile ExecChildArgs& child_args = *args_.child;
    const int pid = args.child_pid > 0 ? args.child_pid : child_args.pid;
    return {pid, pid > 0 ? args.child_pidfd : -1};
  }

  // False where the keeper cannot have made it: the kernel writes the pidfd before there is a child.
  bool may_have_child() const {
    const volatile ExecKeeperArgs& args = args_;
    return args.child_pidfd >= 0;
  }

  // Until the child has executed or ended, until `pause` is over, or until the deadline. True in the first case.
  bool is_over(absl::Duration pause, TimePoint deadline) {
    const TimePoint until = std::min(deadline, deadline_after(linux_sys().now(), pause));
    if (args_.own_memory) {
      if (child().pid < 0) return true;
      const int fds[] = {pipe_.read_end.get(), child().pidfd};
      return linux_sys().poll_readable(fds, 2, until) || has_executed_since_fork(child().pid) == true;
    }
    const auto* const word = static_cast<const volatile std::uint32_t*>(&args_.is_on_the_way);
    const auto left = std::chrono::ceil<std::chrono::nanoseconds>(until - linux_sys().now()).count();
    timespec timeout = {0, std::clamp<long>(left, 0, 999'999'999)};
    // By the raw call: the keeper has this thread's errno, too, until its exec.
    if (*word != 0) raw_syscall(SYS_futex, as_argument(word), FUTEX_WAIT, 1, as_argument(&timeout));
    return __atomic_load_n(&args_.is_on_the_way, __ATOMIC_ACQUIRE) == 0;
  }

 private:
  const ExecKeeperArgs& args_;
  const Pipe& pipe_;
};

// What the keeper says first of a child that has ended; what the child has not read is there, too. Empty where it says
// nothing: somebody has killed it, or stops it all the time.
std::optional<KeeperReport> first_report(const UniqueFd& socket, const ChildId& keeper) {
  const int fds[] = {socket.get(), keeper.pidfd};
  linux_sys().pidfd_kill_process(keeper.pidfd, SIGCONT);
  KeeperReport report = {};
  linux_sys().poll_readable(fds, 2, deadline_after(linux_sys().now(), kLongestEnd));
  ssize_t size = -1;
  do size = ::recv(fds[0], &report, sizeof report, MSG_PEEK | MSG_DONTWAIT);
  while (size < 0 && (errno == ECONNRESET || errno == EINTR));
  if (size <= 0) return std::nullopt;
  return report;
}

// Whether the child had executed before its end. The keeper tells of stops only after an exec.
bool was_executed(const KeeperReport& report) {
  switch (report.kind) {
    case KeeperReport::Kind::kEnded:
      return report.was_executed != 0;
    case KeeperReport::Kind::kStopped:
    case KeeperReport::Kind::kContinued:
      return true;
    default:
      return false;
  }
}

// A child that has failed by itself has told that; else the keeper has, or has gone.
LaunchResult failed_in_tree(const ChildId& child, const volatile ExecFailure& failure,
                            const std::optional<KeeperReport>& report) {
  LaunchResult result = failed(child, failure);
  if (failure.error != 0) return result;
  if (!report.has_value()) return refused(KeeperPart::kUnknown, ECANCELED);
  if (report->kind == KeeperReport::Kind::kFailed) return refused(report->part, report->value);
  return result;
}

// The child has gone, or goes with the keeper, which ends. Nobody uses this thread's memory then.
void collect_keeper(const ChildId& keeper, const ChildId& child) {
  const int fd = keeper.pidfd;
  if (child.pidfd >= 0) {
    linux_sys().pidfd_kill_process(child.pidfd, SIGKILL);
    linux_sys().poll_readable(&child.pidfd, 1, TimePoint::max());
  }
  linux_sys().pidfd_kill_process(fd, kKillSignal);
  linux_sys().pidfd_kill_process(fd, SIGCONT);
  if (!linux_sys().poll_readable(&fd, 1, deadline_after(linux_sys().now(), kLongestEnd))) {
    kill_child(linux_sys(), keeper);
  }
  reap(keeper, static_cast<int>(__WALL));
  ::close(fd);
}

}  // namespace

LaunchResult launch_in_tree(SpawnPlan& plan, TimePoint deadline) {
  if (runs_on_valgrind()) return refused(KeeperPart::kClone, ENOSYS);
  const FailureReport failure_report(plan.own_memory);
  const ChildStack keeper_stack, child_stack;
  if (failure_report.get() == nullptr || child_stack.top() == nullptr || keeper_stack.top() == nullptr) {
    return refused(KeeperPart::kStack, ENOMEM);
  }
  Parts parts;
  const KeeperPart missing = parts.open();
  if (missing != KeeperPart::kNone) return refused(missing, errno);
  Pipe exec_pipe;
  plan.child.exec_pipe = -1;
  if (const int error = plan.own_memory ? make_exec_pipe(&plan, &exec_pipe) : 0) return failed(error);
  plan.child.pid = -1;
  plan.child.gate = parts.ours.get();
  plan.child.gate_peer = parts.keepers.get();
  plan.child.failure = failure_report.get();
  ExecKeeperArgs args;
  args.socket = parts.keepers.get();
  args.host = parts.host.get();
  args.image = parts.image.get();
  args.leads_group = plan.leads_group;
  args.child = &plan.child;
  args.own_memory = plan.own_memory;
  args.stack = child_stack.top();
  int error = 0;
  ChildId keeper = clone_keeper(args, keeper_stack, &error);
  exec_pipe.write_end.reset();
  if (error != 0) return refused(KeeperPart::kClone, error);
  const volatile ExecFailure& failure = *failure_report.get();
  Way way(args, exec_pipe);
  bool has_given_up = false, is_lost = false;
  int looks = 0;
  while (!way.is_over(kExecPause, has_given_up ? TimePoint::max() : deadline)) {
    is_lost = is_lost || (is_readable(keeper.pidfd) && !way.is_over(absl::ZeroDuration(), TimePoint::max()));
    has_given_up = has_given_up || linux_sys().now() >= deadline;
    if (!is_lost && !has_given_up) continue;
    // The keeper cannot open the gate any more, or the child waits for a file.
    if (way.child().pid > 0) linux_sys().pidfd_kill_process(way.child().pidfd, SIGKILL);
    if (way.child().pid < 0 && is_lost && (!way.may_have_child() || ++looks == kMostLooksWithoutChild)) break;
  }
  // One that was killed at once may be dead before the keeper has written its number.
  while (way.child().pid < 0 && way.may_have_child() && failure.error == 0 && !has_given_up && !is_lost) {
    is_lost = linux_sys().poll_readable(&keeper.pidfd, 1, deadline_after(linux_sys().now(), kNumberPause));
  }
  keeper.pidfd = raised_pidfd(keeper.pidfd);
  ChildId child = way.child();
  child.pidfd = raised_pidfd(child.pidfd);
  const bool has_failed = failure.error != 0 || child.pid <= 0;
  // Where it has not come so far it is about to end, though that may not show yet.
  const bool may_have_executed = !has_failed && failure.is_at_exec;
  const bool lives = may_have_executed && !has_given_up && !is_readable(child.pidfd);
  std::optional<KeeperReport> report;
  if (!has_failed && !lives) report = first_report(parts.ours, keeper);
  // It may have executed in the moment in which it was given up: then it is the caller's, with what it has started.
  // Where nothing tells, it was not killed at the very moment of its exec, unless by this.
  const bool has_executed = report.has_value() ? was_executed(*report) : !has_given_up;
  if (lives || (may_have_executed && has_executed)) {
    parts.close_copied();
    LaunchResult result;
    result.child = child;
    result.keeper = keeper;
    result.socket = std::move(parts.ours);
    return result;
  }
  collect_keeper(keeper, child);  // only then can what it copies be closed
  return has_given_up ? given_up(child, failure) : failed_in_tree(child, failure, report);
}

}  // namespace warden::internal

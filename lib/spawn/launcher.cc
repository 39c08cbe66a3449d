#include "lib/spawn/launcher.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "lib/base/os_error.h"
#include "lib/os/all_signals_blocked.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/os/proc.h"
#include "lib/os/process_table.h"
#include "lib/os/raw_syscall.h"
#include "lib/os/refused.h"

// clone(2) of the C library under its other name. ThreadSanitizer replaces clone() by one that runs code of its own in
// the child, which here is in the parent's memory: the runtime then takes the parent for a forked copy, and ends it
// when it next creates a thread.
extern "C" int __clone(int (*body)(void*), void* stack, int flags, void* argument, ...) noexcept;

namespace warden::internal {
namespace {

constexpr std::size_t kChildStack = 16 * 1024;

// Where the child reports its failure: on the caller's stack if the two share their memory, else in a page that both
// map.
class FailureReport {
 public:
  explicit FailureReport(bool own_memory) {
    if (!own_memory) return;
    void* page = ::mmap(nullptr, sizeof(ExecFailure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mapped_ = page != MAP_FAILED;
    failure_ = mapped_ ? static_cast<ExecFailure*>(page) : nullptr;
    if (mapped_) *failure_ = local_;
  }
  ~FailureReport() {
    if (mapped_) ::munmap(failure_, sizeof(ExecFailure));
  }
  FailureReport(const FailureReport&) = delete;
  FailureReport& operator=(const FailureReport&) = delete;

  volatile ExecFailure* get() const { return failure_; }

 private:
  ExecFailure local_ = {SpawnError::Step::kLaunch, 0, -1, false};
  ExecFailure* failure_ = &local_;
  bool mapped_ = false;
};

// One clone. CLONE_VFORK holds this thread until the child has executed or gone, so the child's stack can stand on this
// one.
ChildId clone_child(SpawnPlan& plan, unsigned flags, int* error) {
  alignas(16) char stack[kChildStack];
  ChildId child;
  const AllSignalsBlocked blocked;  // a handler that ran in the child would run in the parent's memory
  child.pid = __clone(exec_child, stack + kChildStack, static_cast<int>(flags | CLONE_VFORK | SIGCHLD), &plan.child,
                      &child.pidfd);
  *error = child.pid < 0 ? errno : 0;
  return child;
}

// Clones without a pidfd where one is refused.
ChildId clone_with_fallbacks(SpawnPlan& plan, int* error) {
  const unsigned base =
      (plan.own_memory ? 0u : unsigned{CLONE_VM}) | (plan.child.shares_table ? unsigned{CLONE_FILES} : 0u);
  ChildId child = clone_child(plan, base | CLONE_PIDFD, error);
  if (is_clone_with_pidfd_refused(*error)) child = clone_child(plan, base, error);
  if (child.pidfd >= 0) child.pidfd = std::max(raise_above_stdio(child.pidfd), -1);
  return child;
}

// Reaps the child of a failed launch, which has exited or is about to: only this child, and only once.
void reap_failed(ChildId child) {
  while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (child.pidfd >= 0) ::close(child.pidfd);
}

// PF_FORKNOEXEC of include/linux/sched.h.
constexpr unsigned kHasNotExecuted = 0x40;

// How long has_executed() looks at a child that neither has executed nor is dead: far longer than the kernel takes.
constexpr absl::Duration kLongestExec = absl::Seconds(1);

// Whether this process is numbered in /proc as it is here: /proc may be another pid namespace's.
bool is_own_number() {
  char name[16] = "";
  int pid = 0;
  return ::readlink("/proc/self", name, sizeof name - 1) > 0 && absl::SimpleAtoi(name, &pid) && pid == ::getpid();
}

// The flag of the child in /proc; empty where that does not tell.
std::optional<bool> find_exec_in_proc(int pid) try {
  std::string text;
  if (!is_own_number() || read_proc_file(absl::StrCat("/proc/", pid, "/stat").c_str(), &text) != 0) return std::nullopt;
  const std::optional<ProcessStat> stat = parse_stat(text);
  if (!stat.has_value() || stat->parent != ::getpid()) return std::nullopt;
  return (stat->flags & kHasNotExecuted) == 0;
} catch (const std::bad_alloc&) {
  return std::nullopt;
}

// Whether a child has executed a program; empty where nothing tells. setpgid(2) refuses to change the group of a child
// that has (EACCES), dead or alive, and for one that leads its group would change nothing. (gVisor does not refuse it.)
// The raw call, since the library may not refer to a function that can change this process (.ci/check_symbols).
std::optional<bool> find_exec(const ExecChildArgs& args, int pid) {
  const bool can_ask = args.new_group && !args.new_session;
  const int error = !can_ask ? ENOSYS : ::syscall(SYS_setpgid, pid, pid) == 0 ? 0 : errno;
  if (error == EACCES) return true;
  const std::optional<bool> in_proc = find_exec_in_proc(pid);
  return in_proc.has_value() || error != 0 ? in_proc : false;
}

// Whether the child that let this thread go on has done so by its exec, and not by its death on the way there. It lets
// go a moment before the kernel notes the exec, and some time before it is a zombie. It exits by itself only after its
// exec. Where nothing tells, a child that is dead of a signal by now counts as one that has not executed.
bool has_executed(const ExecChildArgs& args, ChildId child) {
  if (find_exec(args, child.pid).value_or(false)) return true;
  const TimePoint give_up = deadline_after(linux_sys().now(), kLongestExec);
  while (linux_sys().now() < give_up) {
    siginfo_t info = {};
    const bool is_ours = ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (!is_ours || info.si_code == CLD_EXITED) return true;
    const bool was_killed = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    const std::optional<bool> has = find_exec(args, child.pid);
    if (!has.has_value()) return !was_killed;
    if (*has || was_killed) return *has;
    constexpr timespec kPause = {0, 50'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &kPause, nullptr);
  }
  return true;
}

LaunchResult launch_once(SpawnPlan& plan) {
  LaunchResult result;
  const FailureReport report(plan.own_memory);
  if (report.get() == nullptr) {
    result.error = ENOMEM;
    return result;
  }
  plan.child.failure = report.get();
  result.child = clone_with_fallbacks(plan, &result.error);
  if (result.error != 0) return result;
  const volatile ExecFailure& failure = *report.get();
  if (failure.error == 0 && failure.is_at_exec && has_executed(plan.child, result.child)) return result;
  result.was_killed = failure.error == 0;
  result.step = result.was_killed && failure.is_at_exec ? SpawnError::Step::kExec : failure.step;
  result.error = result.was_killed ? ECANCELED : failure.error;
  result.subject = failure.subject;
  reap_failed(result.child);
  result.child = {};
  return result;
}

// The pauses before the next try at a busy file: 1, 2, 4, ... 512 ms, which is about a second in all.
constexpr int kMostBusyTries = 10;

// False after the last.
bool pause_for_busy_file(int* tries) {
  if (*tries == kMostBusyTries) return false;
  timespec pause = {0, (1L << (*tries)++) * 1'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) == EINTR) {
  }
  return true;
}

// Whether a failed launch can be tried again: with a change to the plan, which is made here, or after a pause.
bool can_retry(const LaunchResult& failed, SpawnPlan& plan, int* busy_tries) {
  switch (failed.step) {
    case SpawnError::Step::kUnshareFiles:
      return std::exchange(plan.child.shares_table, false);
    case SpawnError::Step::kSetDescriptor:
      return plan.inherit_pipes();
    case SpawnError::Step::kExec:
      return failed.error == ETXTBSY && pause_for_busy_file(busy_tries);
    default:
      return false;
  }
}

}  // namespace

LaunchResult launch(SpawnPlan& plan) {
  const CancellationGuard no_cancellation;
  int busy_tries = 0;
  LaunchResult result = launch_once(plan);
  while (result.error != 0 && can_retry(result, plan, &busy_tries)) result = launch_once(plan);
  return result;
}

SpawnError failed_launch(const std::string& process_name, const SpawnPlan& plan, const LaunchResult& launched) {
  const std::error_code code = launched.was_killed ? make_error_code(Errc::kNotExecuted) : os_error(launched.error);
  return failed_at(process_name, launched.step, code, plan.subject_of(launched.step, launched.subject));
}

}  // namespace warden::internal

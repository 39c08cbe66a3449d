#include "lib/spawn/launcher.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "lib/base/os_error.h"
#include "lib/os/all_signals_blocked.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/child_wait.h"
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
// one. Until its exec the child has no exit signal: a wait of the host's does not find it, and one that fails sends no
// SIGCHLD.
ChildId clone_child(SpawnPlan& plan, unsigned flags, int* error) {
  alignas(16) char stack[kChildStack];
  ChildId child;
  const AllSignalsBlocked blocked;  // a handler that ran in the child would run in the parent's memory
  child.pid =
      __clone(exec_child, stack + kChildStack, static_cast<int>(flags | CLONE_VFORK), &plan.child, &child.pidfd);
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

// A wait for children whose exit signal is not SIGCHLD (waitpid(2)).
constexpr auto kClones = static_cast<int>(__WCLONE);

// Whether the child that let this thread go on has done so by its exec, and not by its death on the way there; reaps it
// in the latter case. The child is cloned with the exit signal 0, and an exec resets that to SIGCHLD before it lets go
// (execve(2)). So an ordinary wait finds only a child that has executed, and one for children with another signal
// (__WCLONE, waitpid(2)) only one that has not; but for a child that this process traces, which each finds, and which
// has executed.
bool has_executed(ChildId child) {
  siginfo_t info = {};
  if (wait_for(child, WEXITED | WNOHANG | WNOWAIT, &info) == 0) return true;
  return !reap(child, kClones);
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
  if (failure.error == 0 && has_executed(result.child)) return result;
  if (failure.error != 0) reap(result.child, kClones);
  if (result.child.pidfd >= 0) ::close(result.child.pidfd);
  result.was_killed = failure.error == 0;
  result.step = result.was_killed && failure.is_at_exec ? SpawnError::Step::kExec : failure.step;
  result.error = result.was_killed ? ECANCELED : failure.error;
  result.subject = failure.subject;
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

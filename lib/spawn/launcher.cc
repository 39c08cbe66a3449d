#include "lib/spawn/launcher.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "lib/base/os_error.h"
#include "lib/os/all_signals_blocked.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/child_kill.h"
#include "lib/os/child_pidfd.h"
#include "lib/os/child_wait.h"
#include "lib/os/deadline.h"
#include "lib/os/pipe.h"
#include "lib/os/refused.h"
#include "lib/os/valgrind.h"
#include "lib/spawn/child_stack.h"
#include "lib/spawn/exec_watch.h"
#include "lib/spawn/tree_launch.h"

// clone(2) of the C library under its other name. ThreadSanitizer replaces clone() by one that runs code of its own in
// the child, which here is in the parent's memory: the runtime then takes the parent for a forked copy, and ends it
// when it next creates a thread.
extern "C" int __clone(int (*body)(void*), void* stack, int flags, void* argument, ...) noexcept;

namespace warden::internal {
namespace {

// One clone. Until its exec the child has no exit signal: a wait of the host's does not find it, and one that fails
// sends no SIGCHLD.
ChildId clone_child(SpawnPlan& plan, const ChildStack& stack, unsigned flags, int* error) {
  ChildId child;
  const AllSignalsBlocked blocked;  // a handler that ran in the child would run in the parent's memory
  child.pid = __clone(exec_child, stack.top(), static_cast<int>(flags), &plan.child, &child.pidfd);
  *error = child.pid < 0 ? errno : 0;
  return child;
}

// Whether a clone holds this thread until the child has executed or gone, and needs its stack no more.
enum class Held : unsigned { kNo = 0, kYes = CLONE_VFORK };

// Clones without a pidfd where one is refused.
ChildId clone_with_fallbacks(SpawnPlan& plan, const ChildStack& stack, Held held, int* error) {
  const unsigned base = static_cast<unsigned>(held) | (plan.own_memory ? 0u : unsigned{CLONE_VM}) |
                        (plan.child.shares_table ? unsigned{CLONE_FILES} : 0u);
  ChildId child = clone_child(plan, stack, base | CLONE_PIDFD, error);
  if (is_clone_with_pidfd_refused(*error)) child = clone_child(plan, stack, base, error);
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

// As fork(2), but for the handlers of pthread_atfork(3).
int fork_child(SpawnPlan& plan) {
  const AllSignalsBlocked blocked;  // a handler that ran in the child would be the program's
  const long pid = raw_syscall(SYS_clone, SIGCHLD);
  if (pid == 0) exec_child(&plan.child);
  return static_cast<int>(pid);
}

LaunchResult launched(const ChildId& child) {
  LaunchResult result;
  result.child = child;
  return result;
}

// Waits until the child has executed or gone; false at the deadline.
bool wait_for_exec(const ChildId& child, const Pipe& exec_pipe, TimePoint deadline) {
  Sys& sys = linux_sys();
  const int end = exec_pipe.read_end.get();
  for (;;) {
    if (sys.poll_readable(&end, 1, std::min(deadline, deadline_after(sys.now(), kExecPause)))) return true;
    if (has_executed_since_fork(child.pid) == true) return true;
    if (sys.now() >= deadline) return false;
  }
}

// The child has not executed by the deadline: it waits for a file, as far as we know. Kills and reaps it.
LaunchResult give_up_on(const ChildId& child, const volatile ExecFailure& failure) {
  kill_child(linux_sys(), child);
  reap(child, static_cast<int>(__WALL));
  return given_up(child, failure);
}

// On an emulator, which shares no memory with the child and does not hold this thread until its exec.
LaunchResult launch_by_fork(SpawnPlan& plan, TimePoint deadline) {
  const FailureReport report(/*own_memory=*/true);
  if (report.get() == nullptr) return failed(ENOMEM);
  Pipe exec_pipe;
  if (const int error = make_exec_pipe(&plan, &exec_pipe)) return failed(error);
  plan.child.failure = report.get();
  ChildId child;
  child.pid = fork_child(plan);
  if (child.pid < 0) return failed(-child.pid);
  exec_pipe.write_end.reset();
  child.pidfd = open_child_pidfd(linux_sys(), child.pid);
  const volatile ExecFailure& failure = *report.get();
  if (!wait_for_exec(child, exec_pipe, deadline)) return give_up_on(child, failure);
  // Where nothing tells, it was not killed at the very moment of its exec.
  if (failure.error == 0 && has_executed_since_fork(child.pid).value_or(failure.is_at_exec)) return launched(child);
  reap(child, 0);
  return failed(child, failure);
}

// A child that opens files may wait for ever (fifo(7)): where there is a deadline, this thread goes on meanwhile. Sets
// `error` where the kernel refuses the clone.
LaunchResult launch_by_clone(SpawnPlan& plan, TimePoint deadline, int* error) {
  const FailureReport report(plan.own_memory);
  const ChildStack stack;
  if (report.get() == nullptr || stack.top() == nullptr) return failed(ENOMEM);
  const Held held = plan.opens_files && deadline != TimePoint::max() ? Held::kNo : Held::kYes;
  Pipe exec_pipe;
  plan.child.exec_pipe = -1;
  if (const int no_pipe = held == Held::kNo ? make_exec_pipe(&plan, &exec_pipe) : 0) return failed(no_pipe);
  plan.child.failure = report.get();
  const ChildId child = clone_with_fallbacks(plan, stack, held, error);
  if (*error != 0) return failed(*error);
  exec_pipe.write_end.reset();
  const volatile ExecFailure& failure = *report.get();
  if (held == Held::kNo && !wait_for_exec(child, exec_pipe, deadline)) return give_up_on(child, failure);
  if (failure.error == 0 && has_executed(child)) return launched(child);
  if (failure.error != 0) reap(child, kClones);
  return failed(child, failure);
}

LaunchResult launch_once(SpawnPlan& plan, TimePoint deadline) {
  if (plan.containment == Containment::kTree) return launch_in_tree(plan, deadline);
  if (runs_on_valgrind()) return launch_by_fork(plan, deadline);
  int error = 0;
  LaunchResult result = launch_by_clone(plan, deadline, &error);
  if (is_clone_refused(error)) result = launch_by_fork(plan, deadline);
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

LaunchResult launch(SpawnPlan& plan, TimePoint deadline) {
  const CancellationGuard no_cancellation;
  int busy_tries = 0;
  LaunchResult result = launch_once(plan, deadline);
  while (result.error != 0 && can_retry(result, plan, &busy_tries)) result = launch_once(plan, deadline);
  return result;
}

SpawnError failed_launch(const std::string& process_name, const SpawnPlan& plan, const LaunchResult& launched) {
  const std::error_code code = launched.was_killed ? make_error_code(Errc::kNotExecuted) : os_error(launched.error);
  return failed_at(process_name, launched.step, code, plan.subject_of(launched.step, launched.subject));
}

}  // namespace warden::internal

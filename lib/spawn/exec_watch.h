// How the parent learns whether a child has executed its program, and of what has failed before.
#ifndef WARDEN_LIB_SPAWN_EXEC_WATCH_H_
#define WARDEN_LIB_SPAWN_EXEC_WATCH_H_

#include <optional>

#include "lib/os/pipe.h"
#include "lib/os/sys.h"
#include "lib/spawn/exec_child.h"
#include "lib/spawn/launch_result.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {

// Where the child reports its failure: on the caller's stack if the two share their memory, else in a page that both
// map.
class FailureReport {
 public:
  explicit FailureReport(bool own_memory);
  ~FailureReport();
  FailureReport(const FailureReport&) = delete;
  FailureReport& operator=(const FailureReport&) = delete;

  // Null where there is no memory.
  volatile ExecFailure* get() const { return failure_; }

 private:
  ExecFailure local_ = {SpawnError::Step::kLaunch, 0, -1, false};
  ExecFailure* failure_ = &local_;
  bool mapped_ = false;
};

// A launch that has failed with this errno, or as the child has told. `child` is reaped, or somebody else's to reap;
// its pidfd is closed.
LaunchResult failed(int error);
LaunchResult failed(const ChildId& child, const volatile ExecFailure& failure);

// The same for a child that has been killed because it had not executed by the deadline: it waited for a file, as far
// as is known.
LaunchResult given_up(const ChildId& child, const volatile ExecFailure& failure);

// A pipe whose write end the child keeps until its exec, above its other descriptors, in a table of its own from the
// start. 0, or an errno.
int make_exec_pipe(SpawnPlan* plan, Pipe* pipe);

// Whether the process has executed since its fork, by the flags in /proc/<pid>/stat (proc(5)); empty where that does
// not show it. Allocates nothing: this may be a reaper.
std::optional<bool> has_executed_since_fork(int pid);

// How long to wait for the pipe before asking by other means: another process may hold a copy.
inline constexpr absl::Duration kExecPause = absl::Milliseconds(50);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_EXEC_WATCH_H_

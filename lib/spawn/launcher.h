// Creates the child: clone, exec, and the report of what went wrong in between.
#ifndef WARDEN_LIB_SPAWN_LAUNCHER_H_
#define WARDEN_LIB_SPAWN_LAUNCHER_H_

#include <string>

#include "lib/os/sys.h"
#include "lib/spawn/launch_result.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {

// Launches on the calling thread and returns when the child has executed its program or has been reaped after a
// failure.
//
// The child shares the parent's memory until its exec (clone(2) with CLONE_VM and CLONE_VFORK), so its cost does not
// depend on the size of the parent; with plan.own_memory it gets a copy. A child is launched without a pidfd where
// CLONE_PIDFD is refused (refused.h) or no descriptor is left for it. It gets a table copied by clone where it cannot
// leave the shared one, and inherits the pipes that it cannot open. The launch waits about a second for a busy program
// file (ETXTBSY).
//
// A child that opens files and has not executed by the deadline is killed and reaped: ETIMEDOUT at kOpenFile. Only such
// a child gets a copy of the whole descriptor table, since this thread goes on meanwhile.
LaunchResult launch(SpawnPlan& plan, TimePoint deadline = TimePoint::max());

// The error of a launch that has failed. REQUIRES: launched.error != 0.
SpawnError failed_launch(const std::string& process_name, const SpawnPlan& plan, const LaunchResult& launched);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_LAUNCHER_H_

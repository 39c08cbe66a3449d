// Launches a program below a keeper.
#ifndef WARDEN_LIB_SPAWN_TREE_LAUNCH_H_
#define WARDEN_LIB_SPAWN_TREE_LAUNCH_H_

#include "lib/spawn/launch_result.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {

// As launch() (launcher.h), once. The host makes the keeper (clone(2) with its memory and descriptors shared, so that
// the cost does not depend on the host's size), the keeper makes the child, and executes its own program. The child
// waits until that has said that it is complete, and goes on as any other. Where a part is refused the step is
// kContain, the subject the KeeperPart, and the child has done nothing.
LaunchResult launch_in_tree(SpawnPlan& plan, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_TREE_LAUNCH_H_

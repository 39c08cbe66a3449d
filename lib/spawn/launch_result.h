// What has come of a launch.
#ifndef WARDEN_LIB_SPAWN_LAUNCH_RESULT_H_
#define WARDEN_LIB_SPAWN_LAUNCH_RESULT_H_

#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "warden/error.h"

namespace warden::internal {

struct LaunchResult {
  ChildId child;  // the new child; its pidfd is -1 where the kernel or the limit on descriptors refused one
  // In a tree: the keeper, whose pidfd is there, and the host's end of the socket to it.
  ChildId keeper;
  UniqueFd socket;

  SpawnError::Step step = SpawnError::Step::kLaunch;  // where it failed
  int error = 0;                                      // 0 on success
  int subject = -1;                                   // see ExecFailure
  bool was_killed = false;                            // before it had executed the program; `error` is ECANCELED
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_LAUNCH_RESULT_H_

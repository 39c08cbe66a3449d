// The keeper's side of a launch: from clone to its exec, on the host's memory, as exec_child.h.
#ifndef WARDEN_LIB_SPAWN_EXEC_KEEPER_H_
#define WARDEN_LIB_SPAWN_EXEC_KEEPER_H_

#include <cstdint>

#include "lib/spawn/exec_child.h"

namespace warden::internal {

struct ExecKeeperArgs {
  int socket = -1;  // the keeper's end
  int host = -1;    // a pidfd of the host
  int image = -1;
  bool leads_group = true;  // the program does

  ExecChildArgs* child = nullptr;
  bool own_memory = false;  // the child gets a copy of the host's memory
  char* stack = nullptr;    // the child's

  // Written by the keeper:
  int child_pid = -1;
  int child_pidfd = -1;  // in the host's table
  // Not 0 while the child, if it shares the host's memory, has neither executed nor ended: the kernel clears it, and
  // wakes who waits for it (futex(2), CLONE_CHILD_CLEARTID of clone(2)). The host sets it.
  std::uint32_t is_on_the_way = 0;
};

// The function for clone(2); `args` is an ExecKeeperArgs. Makes the child, which waits for the keeper to be complete,
// and executes the keeper. Where it fails, no child is left. Does not return.
int exec_keeper(void* args);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_EXEC_KEEPER_H_

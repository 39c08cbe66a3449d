// Pipes that the child opens by /proc instead of inheriting them.
//
// The kernel copies a descriptor table up to the highest number that is needed (close_range(2), CLOSE_RANGE_UNSHARE),
// and a pipe of ours has a number above all files that the parent has open. Opened again in the child, it needs none of
// them.
#ifndef WARDEN_LIB_SPAWN_REOPENED_PIPE_H_
#define WARDEN_LIB_SPAWN_REOPENED_PIPE_H_

#include <string>
#include <vector>

#include "lib/spawn/exec_child.h"

namespace warden::internal {

class ReopenedPipes {
 public:
  // Turns copies of these sources, pipe ends of ours, into opens, where there is one with so high a number that it is
  // worth it, and where /proc is there. Others' descriptors are never opened again: they would have an offset and flags
  // of their own. To be called by a thread whose descriptor table has the pipes.
  void plan(const std::vector<int>& sources, std::vector<DescriptorAction>* actions);

  // Back to copies, for a kernel or a security module that does not let the child open them. False if there are none.
  bool give_up(std::vector<DescriptorAction>* actions);

 private:
  std::vector<std::string> paths_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_REOPENED_PIPE_H_

// Pipes that the child opens by /proc instead of inheriting them.
//
// The kernel copies a descriptor table up to the highest number that is needed (close_range(2), CLOSE_RANGE_UNSHARE),
// and a pipe of ours has a number above all files that the parent has open. If the child opens the pipe again, it needs
// none of those numbers.
#ifndef WARDEN_LIB_SPAWN_REOPENED_PIPE_H_
#define WARDEN_LIB_SPAWN_REOPENED_PIPE_H_

#include <string>
#include <vector>

#include "lib/spawn/exec_child.h"

namespace warden::internal {

class ReopenedPipes {
 public:
  // Turns the copies of `sources`, which are pipe ends of ours, into opens, if one of them has a number that is high
  // enough to pay for it and /proc is mounted. Never reopens a descriptor of the caller: the new one would have an
  // offset and flags of its own.
  // REQUIRES: the calling thread's descriptor table has the pipes.
  void plan(const std::vector<int>& sources, std::vector<DescriptorAction>* actions);

  // Turns the opens back into copies, for a kernel or a security module that refuses them. False if there are none.
  bool give_up(std::vector<DescriptorAction>* actions);

 private:
  std::vector<std::string> paths_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_REOPENED_PIPE_H_

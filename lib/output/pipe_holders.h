// The processes that hold a pipe open.
#ifndef WARDEN_LIB_OUTPUT_PIPE_HOLDERS_H_
#define WARDEN_LIB_OUTPUT_PIPE_HOLDERS_H_

#include <sys/types.h>

#include <vector>

#include "lib/os/sys.h"
#include "warden/output_drain.h"

namespace warden::internal {

struct PipeHolders {
  std::vector<PipeHolder> holders;
  // Whether that is everybody. False where /proc is missing, is another pid namespace's or hides processes, and where
  // the descriptors of a process may not be read (another user's, proc(5)).
  bool all_known = false;
};

// Finds the processes that have the pipe of this inode open for writing, as far as /proc shows. Blocks for one reading
// of all of /proc.
PipeHolders find_writers(Sys& sys, ino_t pipe_inode);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_PIPE_HOLDERS_H_

// Who has a pipe open.
#ifndef WARDEN_LIB_OUTPUT_PIPE_HOLDERS_H_
#define WARDEN_LIB_OUTPUT_PIPE_HOLDERS_H_

#include <sys/types.h>

#include <vector>

#include "lib/os/sys.h"
#include "warden/output_drain.h"

namespace warden::internal {

struct PipeHolders {
  std::vector<PipeHolder> holders;
  bool all_known = false;  // every process that there is could be looked into
};

// The processes that have the pipe of this inode open for writing, as /proc shows. One reading of all of /proc.
PipeHolders find_writers(Sys& sys, ino_t pipe_inode);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_PIPE_HOLDERS_H_

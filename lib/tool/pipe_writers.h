// Who has a pipe open for writing.
#ifndef WARDEN_LIB_TOOL_PIPE_WRITERS_H_
#define WARDEN_LIB_TOOL_PIPE_WRITERS_H_

#include <sys/types.h>

#include <vector>

#include "warden/output_drain.h"

namespace warden::tool {

struct PipeWriters {
  std::vector<PipeHolder> processes;
  // Whether that is everybody. False where /proc is missing, is another pid namespace's or hides processes, and where
  // somebody's descriptors may not be read (those of other users, proc(5)).
  bool all_known = false;
};

// As far as /proc shows. Blocks: for a reading of /proc.
PipeWriters find_pipe_writers(ino_t pipe_inode);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_PIPE_WRITERS_H_

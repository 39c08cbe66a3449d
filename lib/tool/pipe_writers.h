// Who has a pipe open for writing.
#ifndef WARDEN_LIB_TOOL_PIPE_WRITERS_H_
#define WARDEN_LIB_TOOL_PIPE_WRITERS_H_

#include <sys/types.h>

#include <vector>

#include "warden/output_drain.h"

namespace warden::tool {

// As far as /proc shows. Blocks: for a reading of /proc.
std::vector<PipeHolder> find_pipe_writers(ino_t pipe_inode);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_PIPE_WRITERS_H_

// A pipe between this process and a child.
#ifndef WARDEN_LIB_OS_PIPE_H_
#define WARDEN_LIB_OS_PIPE_H_

#include "lib/os/unique_fd.h"

namespace warden::internal {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Opens both ends close-on-exec and above the standard streams. 0, or an errno with nothing open.
int make_pipe(Pipe* pipe);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PIPE_H_

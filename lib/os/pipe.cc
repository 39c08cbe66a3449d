#include "lib/os/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace warden::internal {

int make_pipe(Pipe* pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const int read_end = raise_above_stdio(ends[0]);
  UniqueFd read(std::max(read_end, -1));
  const int write_end = raise_above_stdio(ends[1]);
  UniqueFd write(std::max(write_end, -1));
  if (read_end < 0) return -read_end;
  if (write_end < 0) return -write_end;
  *pipe = {std::move(read), std::move(write)};
  return 0;
}

}  // namespace warden::internal

#include "lib/os/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace warden::internal {

int make_pipe(Pipe* pipe) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  UniqueFd write_end(ends[1]);
  UniqueFd read_end = raise_above_stdio(UniqueFd(ends[0]));
  if (read_end.get() < 0) return errno;
  write_end = raise_above_stdio(std::move(write_end));
  if (write_end.get() < 0) return errno;
  *pipe = {std::move(read_end), std::move(write_end)};
  return 0;
}

}  // namespace warden::internal

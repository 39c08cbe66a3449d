#include "lib/os/unique_fd.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>

namespace warden::internal {

int raise_above_stdio(int fd) {
  if (fd > STDERR_FILENO) return fd;
  const int raised = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  ::close(fd);
  return raised >= 0 ? raised : -error;
}

UniqueFd raise_above_stdio(UniqueFd fd) {
  if (fd.get() < 0) return fd;
  const int raised = raise_above_stdio(fd.release());
  if (raised < 0) errno = -raised;
  return UniqueFd(std::max(raised, -1));
}

}  // namespace warden::internal

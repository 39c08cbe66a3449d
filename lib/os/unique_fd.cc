#include "lib/os/unique_fd.h"

#include <errno.h>
#include <fcntl.h>

namespace warden::internal {

int raise_above_stdio(int fd) {
  if (fd > STDERR_FILENO) return fd;
  const int raised = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  ::close(fd);
  return raised >= 0 ? raised : -error;
}

}  // namespace warden::internal

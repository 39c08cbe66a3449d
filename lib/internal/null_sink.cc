#include "lib/internal/null_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "lib/internal/unique_fd.h"

namespace warden::internal {
namespace {

bool is_null_device(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

bool is_lack_of_descriptors(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

}  // namespace

// O_NONBLOCK: a FIFO without a reader would hold the open.
bool NullSink::open() {
  const int fd = ::open(path_, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    is_refused_ = !is_lack_of_descriptors(errno);
    return false;
  }
  fd_ = std::max(raise_above_stdio(fd), -1);
  if (fd_ < 0) return false;
  is_refused_ = !is_null_device(fd_);
  return !is_refused_;
}

std::size_t NullSink::swallow(int pipe, std::size_t most) {
  if (is_refused_) return 0;
  ssize_t count = 0;
  if (open()) {
    count = ::splice(pipe, nullptr, fd_, nullptr, most, SPLICE_F_NONBLOCK);
    is_refused_ = count < 0 && errno != EAGAIN && errno != EINTR && errno != ENOMEM;
  }
  close_copy();
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

void NullSink::close_copy() {
  const int fd = fd_.exchange(-1);
  if (fd >= 0) ::close(fd);
}

}  // namespace warden::internal

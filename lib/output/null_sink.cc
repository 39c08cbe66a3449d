#include "lib/output/null_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <utility>

#include "lib/os/unique_fd.h"

namespace warden::internal {
namespace {

bool is_null_device(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

// True for a refusal that may pass, false for one that lasts.
bool may_work_later(int error) { return error == EAGAIN || error == EINTR || error == ENOMEM; }

}  // namespace

// O_NONBLOCK, since the open of a FIFO would wait for a reader.
bool NullSink::open(const char* path) {
  UniqueFd opened = raise_above_stdio(UniqueFd(::open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)));
  if (opened.get() < 0 || !is_null_device(opened.get())) return false;
  fd_.set(std::move(opened));
  return true;
}

std::size_t NullSink::swallow(int pipe, std::size_t most) {
  if (fd_.get() < 0) return 0;
  if (!fd_.is_ours()) {
    close();
    return 0;
  }
  const ssize_t count = ::splice(pipe, nullptr, fd_.get(), nullptr, most, SPLICE_F_NONBLOCK);
  if (count < 0 && !may_work_later(errno)) close();
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace warden::internal

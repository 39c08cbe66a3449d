#include "lib/os/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>

#include "lib/os/kernel_version.h"

namespace warden::internal {
namespace {

constexpr unsigned kMarks = 64;  // the numbers of signals

}  // namespace

FileIdentity FileIdentity::of(int fd) {
  FileIdentity identity;
  struct stat info = {};
  if (fd < 0 || ::fstat(fd, &info) != 0) return identity;
  identity.is_known_ = true;
  identity.device_ = info.st_dev;
  identity.inode_ = info.st_ino;
  return identity;
}

FileIdentity FileIdentity::of_pidfd(int fd) {
  static std::atomic<unsigned> marks{0};
  FileIdentity identity = of(fd);
  if (!identity.is_known_ || kernel_is_at_least(6, 9)) return identity;
  const int mark = 1 + static_cast<int>(marks.fetch_add(1, std::memory_order_relaxed) % kMarks);
  if (::fcntl(fd, F_SETSIG, mark) == 0) identity.mark_ = mark;
  return identity;
}

bool FileIdentity::is_at(int fd) const {
  if (!is_known_) return true;
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || info.st_dev != device_ || info.st_ino != inode_) return false;
  return mark_ == 0 || ::fcntl(fd, F_GETSIG) == mark_;
}

}  // namespace warden::internal

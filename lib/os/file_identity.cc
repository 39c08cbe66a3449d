#include "lib/os/file_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>

namespace warden::internal {

bool mark_file(int fd, int mark) { return ::fcntl(fd, F_SETSIG, mark) == 0; }

int mark_file(int fd) {
  static std::atomic<unsigned> turn{0};
  const int mark = 1 + static_cast<int>(turn.fetch_add(1, std::memory_order_relaxed) % (kEventMark - 1));
  return mark_file(fd, mark) ? mark : 0;
}

bool has_mark(int fd, int mark) {
  const int found = ::fcntl(fd, F_GETSIG);
  return found < 0 ? errno != EBADF : found == mark;
}

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
  FileIdentity identity = of(fd);
  if (identity.is_known_) identity.mark_ = mark_file(fd);
  return identity;
}

bool FileIdentity::is_at(int fd) const {
  if (!is_known_) return true;
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return errno != EBADF;
  return info.st_dev == device_ && info.st_ino == inode_ && (mark_ == 0 || has_mark(fd, mark_));
}

}  // namespace warden::internal

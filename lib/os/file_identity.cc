#include "lib/os/file_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <atomic>

namespace warden::internal {
namespace {

// PID_FS_MAGIC of linux/magic.h.
constexpr long kPidfsMagic = 0x50494446;

// Since Linux 6.9 each process has an inode of its own there, whose number no later one gets. The device stays the
// same.
bool is_pidfs(int pidfd, dev_t device) {
  static std::atomic<dev_t> pidfs{0};
  if (device == pidfs.load(std::memory_order_relaxed)) return true;
  struct statfs info = {};
  if (::fstatfs(pidfd, &info) != 0 || info.f_type != kPidfsMagic) return false;
  pidfs.store(device, std::memory_order_relaxed);
  return true;
}

}  // namespace

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
  if (!identity.is_known_) return identity;
  identity.mark_ = mark_file(fd);
  identity.is_told_by_inode_ = identity.mark_ == 0 || is_pidfs(fd, identity.device_);
  return identity;
}

bool FileIdentity::is_at(int fd) const {
  if (!is_known_) return true;
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return errno != EBADF;
  return info.st_dev == device_ && info.st_ino == inode_ && (is_told_by_inode_ || has_mark(fd, mark_));
}

}  // namespace warden::internal

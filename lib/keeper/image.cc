#include "lib/keeper/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <utility>

#include "lib/os/kernel_abi.h"

namespace warden::internal {
namespace {

constexpr unsigned char kImage[] = {
#include "lib/keeper/image_bytes.inc"
};

// A kernel before 6.3 does not know the flag, and needs none.
int make_file() {
  constexpr char kName[] = "warden_keeper";
  const long fd = ::syscall(SYS_memfd_create, kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | kMemfdExec);
  if (fd >= 0 || errno != EINVAL) return static_cast<int>(fd);
  return static_cast<int>(::syscall(SYS_memfd_create, kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

// A write beyond the limit would be a signal to the host (SIGXFSZ, setrlimit(2)).
bool may_be_written() {
  struct rlimit limit = {};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= sizeof kImage;
}

// A descriptor, or -errno.
int make_image() {
  if (!may_be_written()) return -EFBIG;
  UniqueFd file(make_file());
  file = raise_above_stdio(std::move(file));
  if (file.get() < 0) return -errno;
  const ssize_t written = ::write(file.get(), kImage, sizeof kImage);
  if (written < 0) return -errno;
  if (written != sizeof kImage) return -ENOSPC;
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  return ::fcntl(file.get(), F_ADD_SEALS, kSeals) == 0 ? file.release() : -errno;
}

// A forked copy of this process has it, too. Never replaced: threads may have tables of their own, in which it is
// another's number.
struct Kept {
  int fd;
  FileIdentity file;
};
std::atomic<const Kept*> kept{nullptr};

// `fd` is this process's from now on, unless another thread was first.
bool keep(int fd) {
  const auto* const made = new (std::nothrow) Kept{fd, FileIdentity::of(fd)};
  const Kept* none = nullptr;
  if (made != nullptr && kept.compare_exchange_strong(none, made)) return true;
  delete made;
  return false;
}

}  // namespace

KeeperImage KeeperImage::open() {
  KeeperImage image;
  const Kept* const known = kept.load();
  if (known != nullptr && known->file.is_at(known->fd)) {
    image.fd_ = known->fd;
    image.file_ = known->file;
    return image;
  }
  image.fd_ = make_image();
  if (image.fd_ < 0) return image;
  image.file_ = FileIdentity::of(image.fd_);
  if (!keep(image.fd_)) image.own_ = UniqueFd(image.fd_);
  return image;
}

}  // namespace warden::internal

#include "lib/keeper/image.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "lib/os/kernel_abi.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {
namespace {

constexpr unsigned char kImage[] = {
#include "lib/keeper/image_bytes.inc"
};

// A kernel before 6.3 does not know the flag, and needs none.
int make_file() {
  constexpr char kName[] = "warden_keeper";
  const long fd = ::syscall(SYS_memfd_create, kName, MFD_CLOEXEC | kMemfdExec);
  if (fd >= 0 || errno != EINVAL) return static_cast<int>(fd);
  return static_cast<int>(::syscall(SYS_memfd_create, kName, MFD_CLOEXEC));
}

// A write beyond the limit would be a signal to the host (SIGXFSZ, setrlimit(2)).
bool may_be_written() {
  struct rlimit limit = {};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= sizeof kImage;
}

}  // namespace

int open_keeper_image() {
  if (!may_be_written()) return -EFBIG;
  UniqueFd file(make_file());
  file = raise_above_stdio(std::move(file));
  if (file.get() < 0) return -errno;
  const ssize_t written = ::write(file.get(), kImage, sizeof kImage);
  if (written < 0) return -errno;
  return written == sizeof kImage ? file.release() : -ENOSPC;
}

}  // namespace warden::internal

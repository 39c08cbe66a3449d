#include "lib/output/capture_read_end.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <utility>

#include "lib/os/pipe.h"

namespace warden::internal {
namespace {

// How many pipes of this process are raised at the moment.
std::atomic<int> raised{0};

// False, with the pipe as it was, where too many are raised or the kernel refuses.
bool raise_capacity(int fd) {
  const bool may_raise = raised.fetch_add(1, std::memory_order_relaxed) < CaptureReadEnd::kMostRaised;
  if (may_raise && ::fcntl(fd, F_SETPIPE_SZ, CaptureReadEnd::kCapacity) >= 0) return true;
  raised.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

int CaptureReadEnd::open(UniqueFd* write_end) {
  Pipe pipe;
  if (const int error = make_pipe(&pipe)) return error;
  const int fd = pipe.read_end.get();
  struct stat info = {};
  // Not by pipe2(2), which would make the child's end non-blocking, too.
  if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || ::fstat(fd, &info) != 0) return errno;
  inode_ = info.st_ino;
  is_raised_ = raise_capacity(fd);
  fd_.set(std::move(pipe.read_end));
  *write_end = std::move(pipe.write_end);
  return 0;
}

void CaptureReadEnd::close() {
  fd_.close();
  if (std::exchange(is_raised_, false)) raised.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace warden::internal

#include "lib/os/pipe_write.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/proc.h"
#include "lib/os/refused.h"

namespace warden::internal {
namespace {

// The ways to write, from the newest kernel's to the one that every kernel has.
enum Way { kNoSignal, kNoWait, kPolled };

// The best way that the kernel has not refused yet.
std::atomic<int> best_way{kNoSignal};

ssize_t write_with(int fd, const char* data, std::size_t size, int flags) {
  const struct iovec part = {const_cast<char*>(data), size};
  const ssize_t written = ::pwritev2(fd, &part, 1, -1, flags);
  return written >= 0 ? written : -errno;
}

ssize_t write_polled(int fd, const char* data, std::size_t size) {
  pollfd polled = {fd, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&polled, 1, 0);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return ready == 0 ? -EAGAIN : -errno;
  const ssize_t written = ::write(fd, data, std::min(size, static_cast<std::size_t>(PIPE_BUF)));
  if (written >= 0) return written;
  return errno == EINTR ? -EAGAIN : -errno;
}

ssize_t write_by(Way way, int fd, const char* data, std::size_t size) {
  if (way == kNoSignal) return write_with(fd, data, size, kNoWaitFlag | kNoSignalFlag);
  if (way == kNoWait) return write_with(fd, data, size, kNoWaitFlag);
  return write_polled(fd, data, size);
}

// sigpending(2) does not tell the thread's signals from the process's.
bool is_pending_on_this_thread(int signal) {
  std::string status;
  std::uint64_t pending = 0;
  if (read_proc_file("/proc/thread-self/status", &status) != 0) return true;
  if (!absl::SimpleHexAtoi(status_field(status, "SigPnd"), &pending)) return true;
  return ((pending >> (signal - 1)) & 1) != 0;
}

// Holds back a SIGPIPE that this thread raises: while the guard exists no handler gets it. (The kernel queues a blocked
// signal even where it is ignored.)
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    // A signal that was not blocked cannot be pending.
    sigset_t pending;
    was_pending_ = sigismember(&before_, SIGPIPE) == 1 && sigpending(&pending) == 0 &&
                   sigismember(&pending, SIGPIPE) == 1 && is_pending_on_this_thread(SIGPIPE);
  }
  ~SigpipeGuard() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;

  // Takes off the SIGPIPE that a write has just raised: the thread's own comes before one of the process's. Where one
  // was pending before, the new one has merged with it, and it stays.
  void take() const {
    const struct timespec at_once = {0, 0};
    while (!was_pending_ && ::sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t sigpipe_, before_;
  bool was_pending_ = false;
};

}  // namespace

ssize_t write_what_fits(int fd, const char* data, std::size_t size) {
  int way = best_way.load(std::memory_order_relaxed);
  ssize_t written = -ENOSYS;
  if (way == kNoSignal) {
    written = write_by(kNoSignal, fd, data, size);
    if (!is_write_with_flags_refused(static_cast<int>(-written))) return written;
    ++way;
  }
  const SigpipeGuard guard;
  for (; way <= kPolled; ++way) {
    written = write_by(static_cast<Way>(way), fd, data, size);
    if (written == -EPIPE) guard.take();
    if (!is_write_with_flags_refused(static_cast<int>(-written))) break;
  }
  best_way.store(std::min<int>(way, kPolled), std::memory_order_relaxed);
  return written;
}

}  // namespace warden::internal

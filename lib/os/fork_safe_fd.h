// A descriptor that a forked copy of the process can close, whatever another thread was doing with it at the fork.
#ifndef WARDEN_LIB_OS_FORK_SAFE_FD_H_
#define WARDEN_LIB_OS_FORK_SAFE_FD_H_

#include <atomic>

#include "lib/os/unique_fd.h"

namespace warden::internal {

class ForkSafeFd {
 public:
  ForkSafeFd() = default;
  ~ForkSafeFd() { close(); }
  ForkSafeFd(const ForkSafeFd&) = delete;
  ForkSafeFd& operator=(const ForkSafeFd&) = delete;

  // Negative for none.
  int get() const { return fd_.load(std::memory_order_relaxed); }
  // REQUIRES: it has none.
  void set(UniqueFd fd) { fd_ = fd.release(); }
  // Closes nothing: the host has closed the descriptor, and may have another file at its number.
  void forget() { fd_ = -1; }
  // Forgets the number, then closes the file: a fork in between copies an open file, and never a number that may be
  // another file's. Idempotent.
  void close() { const UniqueFd closed(fd_.exchange(-1)); }

 private:
  std::atomic<int> fd_{-1};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_FORK_SAFE_FD_H_

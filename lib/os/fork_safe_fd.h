// A descriptor that a forked copy of the process can close, whatever another thread was doing with it at the fork.
#ifndef WARDEN_LIB_OS_FORK_SAFE_FD_H_
#define WARDEN_LIB_OS_FORK_SAFE_FD_H_

#include <atomic>

#include "lib/os/file_identity.h"
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
  // False once the host has closed it, and may have another file at its number; true where there is none.
  bool is_ours() const { return get() < 0 || file_.is_at(get()); }
  // Not thread-safe. REQUIRES: it has none.
  void set(UniqueFd fd) {
    file_ = FileIdentity::of(fd.get());
    fd_ = fd.release();
  }
  // Forgets the number, then closes the file if it is still ours: a fork in between copies an open file, and never a
  // number that may be another file's. Idempotent.
  void close() {
    UniqueFd closed(fd_.exchange(-1));
    if (!file_.is_at(closed.get())) closed.release();
  }

 private:
  FileIdentity file_;
  std::atomic<int> fd_{-1};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_FORK_SAFE_FD_H_

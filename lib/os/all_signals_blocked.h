// Blocks every signal of this thread, those of the C library included.
#ifndef WARDEN_LIB_OS_ALL_SIGNALS_BLOCKED_H_
#define WARDEN_LIB_OS_ALL_SIGNALS_BLOCKED_H_

#include <signal.h>
#include <sys/syscall.h>

#include <cstdint>

#include "lib/os/raw_syscall.h"

namespace warden::internal {

// Used around a clone, so that the child starts with this mask.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    const std::uint64_t all = ~std::uint64_t{0};
    raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&all), as_argument(&before_), sizeof all);
  }
  ~AllSignalsBlocked() { raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&before_), 0, sizeof before_); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_ALL_SIGNALS_BLOCKED_H_

// Where bytes of a pipe go that nobody wants.
#ifndef WARDEN_LIB_OUTPUT_NULL_SINK_H_
#define WARDEN_LIB_OUTPUT_NULL_SINK_H_

#include <cstddef>

#include "lib/os/fork_safe_fd.h"

namespace warden::internal {

// /dev/null, to which the kernel moves them without a copy (splice(2)).
//
// To be opened by the thread that spawns and kept, not whenever it is needed: the thread that reads would take numbers
// from a host that opens files of its own at that moment.
class NullSink {
 public:
  // False where that is not to be had: no descriptor is left, or something else is at the path (a chroot may have
  // anything there), which is left as it is.
  bool open(const char* path = "/dev/null");

  // Takes at most so many bytes out of the pipe, without waiting for any. How many; 0 where there are none, where this
  // is not open, or where a seccomp filter refuses the call. What a host that closes all descriptors has at our number
  // since is not written to.
  std::size_t swallow(int pipe, std::size_t most);

  // Idempotent.
  void close() { fd_.close(); }

 private:
  ForkSafeFd fd_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_NULL_SINK_H_

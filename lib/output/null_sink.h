// Discards bytes from a pipe without copying them (splice to /dev/null).
#ifndef WARDEN_LIB_OUTPUT_NULL_SINK_H_
#define WARDEN_LIB_OUTPUT_NULL_SINK_H_

#include <cstddef>

#include "lib/os/fork_safe_fd.h"

namespace warden::internal {

// The thread that spawns opens it and keeps it open. The pump must not open it whenever it is needed: that would take
// numbers from a host that opens files of its own at that moment.
class NullSink {
 public:
  // False when no descriptor is left, or something else is at the path (a chroot may have anything there), which stays
  // as it is.
  bool open(const char* path = "/dev/null");

  // Takes at most so many bytes out of the pipe, without waiting for any. Returns how many; 0 when there are none, when
  // this is not open, or when a seccomp filter refuses the call. Never writes to a file that a host which closes all
  // descriptors has at our number since.
  std::size_t swallow(int pipe, std::size_t most);

  // Idempotent.
  void close() { fd_.close(); }

 private:
  ForkSafeFd fd_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_NULL_SINK_H_

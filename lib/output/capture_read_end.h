// Our end of one captured stream's pipe.
#ifndef WARDEN_LIB_OUTPUT_CAPTURE_READ_END_H_
#define WARDEN_LIB_OUTPUT_CAPTURE_READ_END_H_

#include <sys/types.h>

#include "lib/os/fork_safe_fd.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {

// The read end; reads do not block.
class CaptureReadEnd {
 public:
  // The capacity that a pipe is given, for kMostRaised pipes at a time: the kernel lets a user without privileges raise
  // some 256 pipes to this size, and gives every further pipe of that user 8 KiB (pipe(7)).
  static constexpr int kCapacity = 256 * 1024;
  static constexpr int kMostRaised = 64;

  ~CaptureReadEnd() { close(); }

  // Makes a pipe, keeps its read end and hands over the other. 0, or an errno.
  int open(UniqueFd* write_end);
  // Negative once closed.
  int fd() const { return fd_.get(); }
  // False once the host has closed it.
  bool is_ours() const { return fd_.is_ours(); }
  // Names the pipe in /proc, in every process that has it.
  ino_t inode() const { return inode_; }
  // Idempotent.
  void close();

 private:
  ForkSafeFd fd_;
  ino_t inode_ = 0;
  bool is_raised_ = false;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_CAPTURE_READ_END_H_

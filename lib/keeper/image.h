// The keeper as a file that can be executed.
#ifndef WARDEN_LIB_KEEPER_IMAGE_H_
#define WARDEN_LIB_KEEPER_IMAGE_H_

#include "lib/os/file_identity.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {

// A descriptor of a file in memory (memfd_create(2)) that has the program, to be executed by execveat(2).
class KeeperImage {
 public:
  // Of the file that this process keeps, close-on-exec and sealed, from its first call on. Where the host has closed
  // it, of one that goes with this object.
  static KeeperImage open();

  // -errno where there is none: EACCES where the system lets no such file be executed (vm.memfd_noexec=2). Another
  // thread of the host may close it.
  int fd() const { return own_.get() >= 0 ? own_.get() : fd_; }
  const FileIdentity& file() const { return file_; }

 private:
  int fd_ = -1;
  UniqueFd own_;
  FileIdentity file_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_KEEPER_IMAGE_H_

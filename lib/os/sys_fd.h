// A descriptor that a Sys has opened, closed through it when its owner goes.
#ifndef WARDEN_LIB_OS_SYS_FD_H_
#define WARDEN_LIB_OS_SYS_FD_H_

#include <utility>

#include "lib/os/sys.h"

namespace warden::internal {

class SysFd {
 public:
  // `fd`: negative for none.
  SysFd(Sys& sys, int fd) : sys_(sys), fd_(fd) {}
  ~SysFd() {
    if (fd_ >= 0) sys_.close_fd(fd_);
  }
  SysFd(const SysFd&) = delete;
  SysFd& operator=(const SysFd&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  Sys& sys_;
  int fd_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_SYS_FD_H_

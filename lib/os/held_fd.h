// A descriptor that is kept while the host goes on, and that is not used once the host has closed it.
#ifndef WARDEN_LIB_OS_HELD_FD_H_
#define WARDEN_LIB_OS_HELD_FD_H_

#include <utility>

#include "lib/os/file_identity.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {

class HeldFd {
 public:
  HeldFd() = default;
  explicit HeldFd(UniqueFd fd) : fd_(std::move(fd)), file_(FileIdentity::of(fd_.get())) {}
  HeldFd(HeldFd&&) noexcept = default;
  HeldFd& operator=(HeldFd&& other) noexcept {
    if (this == &other) return *this;
    reset();
    fd_ = std::move(other.fd_);
    file_ = other.file_;
    return *this;
  }
  ~HeldFd() { reset(); }

  bool is_set() const { return fd_.get() >= 0; }
  // -1 where there is none, or where it is not ours any more.
  int get() const { return fd_.get() >= 0 && file_.is_at(fd_.get()) ? fd_.get() : -1; }
  // Closes it if it is still ours.
  void reset() {
    if (get() < 0) fd_.release();
    fd_.reset();
  }

 private:
  UniqueFd fd_;
  FileIdentity file_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_HELD_FD_H_

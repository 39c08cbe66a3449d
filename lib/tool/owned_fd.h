// A descriptor of the tool's, closed with its owner.
#ifndef WARDEN_LIB_TOOL_OWNED_FD_H_
#define WARDEN_LIB_TOOL_OWNED_FD_H_

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace warden::tool {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~OwnedFd() { reset(); }

  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;  // -1: none
};

// Above the standard streams, any of which may be closed.
inline OwnedFd raise(OwnedFd low) {
  if (low.get() > STDERR_FILENO) return low;
  return OwnedFd(::fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_OWNED_FD_H_

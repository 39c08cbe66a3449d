// A descriptor that its owner's destructor closes.
#ifndef WARDEN_LIB_OS_UNIQUE_FD_H_
#define WARDEN_LIB_OS_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace warden::internal {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);  // EINTR: Linux has closed it all the same
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Moves an `fd` below 3 to a higher number, close-on-exec: a host whose standard stream is closed would take it for
// that stream. Returns the number; on failure -errno, with `fd` closed.
int raise_above_stdio(int fd);

// The same. None, with errno, on failure and where `fd` is none.
UniqueFd raise_above_stdio(UniqueFd fd);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_UNIQUE_FD_H_

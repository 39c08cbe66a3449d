// A descriptor of the outer program, and how many it has.
#ifndef WARDEN_TEST_ATTACK_FD_H_
#define WARDEN_TEST_ATTACK_FD_H_

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace warden::attack {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  void reset() { Fd().swap(*this); }
  void swap(Fd& other) { std::swap(fd_, other.fd_); }

 private:
  int fd_;
};

inline int count_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_FD_H_

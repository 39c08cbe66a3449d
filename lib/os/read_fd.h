// read(2) that a signal handler does not end.
#ifndef WARDEN_LIB_OS_READ_FD_H_
#define WARDEN_LIB_OS_READ_FD_H_

#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace warden::internal {

// How many bytes came, 0 at the end of the file, or -errno.
inline ssize_t read_fd(int fd, char* data, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd, data, size);
    if (got >= 0 || errno != EINTR) return got >= 0 ? got : -errno;
  }
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_READ_FD_H_

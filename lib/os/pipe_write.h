// One write to a pipe that can neither block nor raise SIGPIPE, and that changes nothing of the pipe's.
#ifndef WARDEN_LIB_OS_PIPE_WRITE_H_
#define WARDEN_LIB_OS_PIPE_WRITE_H_

#include <sys/types.h>

#include <cstddef>

namespace warden::internal {

// What fits at once: how much that was; -EAGAIN when the pipe is full, -EPIPE when nobody can read it, or another
// -errno. The calling thread's mask and pending signals are afterwards as before, whatever SIGPIPE is set to.
//
// O_NONBLOCK would be everybody's who has the pipe. So: pwritev2(2) with RWF_NOWAIT (for pipes since Linux 6.4) and
// RWF_NOSIGNAL (since 6.18); without the latter SIGPIPE is blocked on this thread around the write, and what that
// raised is taken off. Without the former poll(2), and then no more than PIPE_BUF bytes, which a pipe that can be
// written to always takes: unless somebody else fills it in between, when the write blocks.
ssize_t write_what_fits(int fd, const char* data, std::size_t size);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PIPE_WRITE_H_

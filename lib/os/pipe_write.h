// Writes to a pipe without blocking, without SIGPIPE, and without a change to the pipe.
#ifndef WARDEN_LIB_OS_PIPE_WRITE_H_
#define WARDEN_LIB_OS_PIPE_WRITE_H_

#include <sys/types.h>

#include <cstddef>

namespace warden::internal {

// Writes what fits at once. Returns how many bytes; -EAGAIN when the pipe is full, -EPIPE when it has no reader, or
// another -errno. Leaves the calling thread's mask and pending signals as they were, whatever the disposition of
// SIGPIPE.
//
// O_NONBLOCK would change the pipe for every process that has it. So this is pwritev2(2) with RWF_NOWAIT (for pipes
// since Linux 6.4) and RWF_NOSIGNAL (since 6.18). Without RWF_NOSIGNAL it blocks SIGPIPE on this thread around the
// write, and takes off the one that the write has raised. Without RWF_NOWAIT it asks poll(2) and writes PIPE_BUF bytes
// at most, which a writable pipe always takes: unless another writer fills the pipe in between, when the write blocks.
ssize_t write_what_fits(int fd, const char* data, std::size_t size);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PIPE_WRITE_H_

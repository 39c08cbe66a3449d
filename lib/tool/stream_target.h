// Where a stream of the program goes: what the tool itself has as stdout or stderr.
#ifndef WARDEN_LIB_TOOL_STREAM_TARGET_H_
#define WARDEN_LIB_TOOL_STREAM_TARGET_H_

#include <sys/types.h>

#include <string_view>

#include "lib/os/unique_fd.h"

namespace warden::tool {

using internal::UniqueFd;

// A descriptor to write to what `fd` leads to; to nowhere when it is closed, as the program would have it without the
// tool. A pipe or a terminal is opened once more, so that a write can fail with EAGAIN in place of blocking, and
// nobody else's does. Where that cannot be (no /proc, another user's pipe), and for all else, it is a duplicate.
// None, with errno, when there are no descriptors.
UniqueFd open_target(int fd);

// Writes some bytes, when poll(2) has said that it can be done; -1 with errno. Does not block, except on a duplicate,
// when another process has been quicker.
ssize_t write_some(const UniqueFd& target, std::string_view bytes);

// Blocks on this thread the signals that its writes may raise. A write to a pipe without a reader (SIGPIPE) or beyond
// RLIMIT_FSIZE (SIGXFSZ) fails then, and one to the terminal from the background (SIGTTOU) is done, whatever stty(1)
// says.
void block_signals_of_writing();

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_STREAM_TARGET_H_

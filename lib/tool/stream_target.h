// The target of a stream of the program: what the tool itself has as stdout or stderr.
#ifndef WARDEN_LIB_TOOL_STREAM_TARGET_H_
#define WARDEN_LIB_TOOL_STREAM_TARGET_H_

#include <sys/types.h>

#include <string_view>

#include "lib/os/unique_fd.h"

namespace warden::tool {

using internal::UniqueFd;

// Opens what `fd` leads to for writing; /dev/null when `fd` is closed, as the program would have it without the tool. A
// pipe or a terminal is opened once more, so that a write of the tool fails with EAGAIN in place of blocking, and no
// other process's does. Where that fails (no /proc, another user's pipe), and for all else, returns a duplicate. None,
// with errno, when no descriptor is left.
UniqueFd open_target(int fd);

// Writes some bytes, after poll(2) has said that there is room; -1 with errno. Does not block, except on a duplicate
// that another process has filled in between.
ssize_t write_some(const UniqueFd& target, std::string_view bytes);

// Blocks on this thread the signals that its writes may raise. A write to a pipe without a reader (SIGPIPE) or beyond
// RLIMIT_FSIZE (SIGXFSZ) fails then, and one to the terminal from the background (SIGTTOU) is done, whatever stty(1)
// says.
void block_signals_of_writing();

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_STREAM_TARGET_H_

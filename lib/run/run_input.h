// What run() was asked to do, checked and made ready.
#ifndef WARDEN_LIB_RUN_RUN_INPUT_H_
#define WARDEN_LIB_RUN_RUN_INPUT_H_

#include <optional>

#include "lib/os/unique_fd.h"
#include "warden/command.h"
#include "warden/run.h"

namespace warden::internal {

// The first thing that is wrong, naming the field; else empty, and `source` is the opened stdin_file, if there is one.
// The open blocks on no FIFO: the bytes are waited for when they are read.
std::optional<RunError> check_run_input(const Command& command, const RunOptions& options, UniqueFd* source);

// The command with a place for each stream that it leaves unset.
Command with_streams(Command command, const RunOptions& options);

inline bool is_to_be_fed(const RunOptions& options) {
  return options.stdin_text.has_value() || options.stdin_file.has_value();
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_RUN_RUN_INPUT_H_

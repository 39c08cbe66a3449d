// What run() was asked to do, checked and made ready.
#ifndef WARDEN_LIB_RUN_RUN_INPUT_H_
#define WARDEN_LIB_RUN_RUN_INPUT_H_

#include <optional>

#include "lib/os/unique_fd.h"
#include "warden/command.h"
#include "warden/run.h"

namespace warden::internal {

// The first thing that is wrong, naming the field. If nothing is, opens stdin_file, where there is one, into `source`.
// The open does not wait for the writer of a FIFO: the read waits for its bytes.
std::optional<RunError> check_run_input(const Command& command, const RunOptions& options, UniqueFd* source);

// The command, with a destination for each stream that it leaves unset.
Command with_streams(const Command& command, const RunOptions& options);

inline bool is_to_be_fed(const RunOptions& options) {
  return options.stdin_text.has_value() || options.stdin_file.has_value();
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_RUN_RUN_INPUT_H_

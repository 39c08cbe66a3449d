// Why a process is still there, as /proc tells.
#ifndef WARDEN_LIB_TERMINATE_STUCK_PROCESS_H_
#define WARDEN_LIB_TERMINATE_STUCK_PROCESS_H_

#include <optional>

#include "lib/os/sys.h"
#include "warden/termination_error.h"

namespace warden::internal {

// Empty when /proc cannot be read, or the process is gone.
std::optional<StuckProcess> read_stuck_process(Sys& sys, int pid);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_STUCK_PROCESS_H_

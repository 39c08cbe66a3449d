// Refuses a Command that cannot be right, before anything is started.
#ifndef WARDEN_LIB_SPAWN_COMMAND_CHECK_H_
#define WARDEN_LIB_SPAWN_COMMAND_CHECK_H_

#include <optional>

#include "warden/command.h"
#include "warden/error.h"

namespace warden::internal {

// The first thing that is wrong, naming the field and the value; empty when there is none.
std::optional<SpawnError> check_command(const Command& command);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_COMMAND_CHECK_H_

// Gives the rest of the library what a Command holds beside what it shows.
#ifndef WARDEN_LIB_SPAWN_COMMAND_ACCESS_H_
#define WARDEN_LIB_SPAWN_COMMAND_ACCESS_H_

#include "warden/command.h"

namespace warden::internal {

struct CommandAccess {
  using EnvChange = Command::EnvChange;
  using Options = Command::Options;
  static const Options& options(const Command& command) { return command.options_; }
};

using EnvChange = CommandAccess::EnvChange;
using CommandOptions = CommandAccess::Options;

inline const CommandOptions& options_of(const Command& command) { return CommandAccess::options(command); }

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_COMMAND_ACCESS_H_

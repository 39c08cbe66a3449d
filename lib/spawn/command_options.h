// What a Command holds beside what it shows.
#ifndef WARDEN_LIB_SPAWN_COMMAND_OPTIONS_H_
#define WARDEN_LIB_SPAWN_COMMAND_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "warden/command.h"

namespace warden::internal {

struct EnvChange {
  enum class Kind { kSet, kUnset, kClear };
  Kind kind;
  std::string name;
  std::string value;
};

struct CommandOptions {
  std::optional<std::string> name;
  std::optional<std::string> argv0;
  bool shell_fallback = false;
  std::vector<EnvChange> env_changes;
  std::optional<std::string> cwd;
  Stdio stdio[3] = {Stdio::inherit(), Stdio::inherit(), Stdio::inherit()};
  bool stdio_is_set[3] = {false, false, false};  // by a setter
  bool keep_stdin_open = false;
  std::vector<InheritedFd> inherited_fds;
  bool inherit_descriptors = false;
  bool group = true;
  std::vector<Containment> containment = {Containment::kGroup};  // the first that can be had
  bool containment_is_set = false;                               // by a setter
  bool new_session = false;
  bool foreground = false;
  bool die_with_parent = false;
  bool keep_ignored_signals = false;
  bool keep_signal_mask = false;
  bool no_new_privileges = false;
  std::optional<unsigned> umask;
  std::vector<ResourceLimit> limits;
  std::optional<int> nice;
  std::optional<std::vector<int>> cpu_affinity;
  std::optional<Credentials> credentials;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_COMMAND_OPTIONS_H_

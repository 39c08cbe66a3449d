#include "warden/command.h"

#include <iterator>

namespace warden {

Command& Command::arg(std::string argument) {
  arguments_.push_back(std::move(argument));
  return *this;
}

Command& Command::args(std::initializer_list<std::string_view> arguments) {
  return args(std::vector<std::string>(arguments.begin(), arguments.end()));
}

// Copies first: an insert that throws after it has begun to copy would leave the earlier arguments empty.
Command& Command::args(const std::vector<std::string>& arguments) {
  std::vector<std::string> added = arguments;
  arguments_.insert(arguments_.end(), std::make_move_iterator(added.begin()), std::make_move_iterator(added.end()));
  return *this;
}

Command& Command::env(std::string name, std::string value) {
  options_.env_changes.push_back({EnvChange::Kind::kSet, std::move(name), std::move(value)});
  return *this;
}

Command& Command::unset_env(std::string name) {
  options_.env_changes.push_back({EnvChange::Kind::kUnset, std::move(name), {}});
  return *this;
}

Command& Command::clear_env() {
  options_.env_changes.push_back({EnvChange::Kind::kClear, {}, {}});
  return *this;
}

Command& Command::cwd(std::string directory) {
  options_.cwd = std::move(directory);
  return *this;
}

Command& Command::name(std::string name) {
  name_ = std::move(name);
  return *this;
}

Command Command::shell(std::string line) {
  Command command("/bin/sh");
  command.args({"-c", "--"}).arg(std::move(line));
  return command;
}

Command& Command::keep_stdin_open(bool keep) {
  options_.keep_stdin_open = keep;
  return *this;
}

Command& Command::stdin_from(Stdio stdio) {
  options_.stdio[0] = std::move(stdio);
  options_.stdio_is_set[0] = true;
  return *this;
}

Command& Command::stdout_to(Stdio stdio) {
  options_.stdio[1] = std::move(stdio);
  options_.stdio_is_set[1] = true;
  return *this;
}

Command& Command::stderr_to(Stdio stdio) {
  options_.stdio[2] = std::move(stdio);
  options_.stdio_is_set[2] = true;
  return *this;
}

Command& Command::inherit_fd(int source, int target) {
  options_.inherited_fds.push_back({source, target});
  return *this;
}

Command& Command::group(bool own_group) {
  options_.group = own_group;
  return *this;
}

Command& Command::new_session(bool own_session) {
  options_.new_session = own_session;
  return *this;
}

Command& Command::foreground(bool foreground) {
  options_.foreground = foreground;
  return *this;
}

Command& Command::umask(unsigned mask) {
  options_.umask = mask;
  return *this;
}

Command& Command::limit(ResourceLimit limit) {
  options_.limits.push_back(limit);
  return *this;
}

Command& Command::nice(int value) {
  options_.nice = value;
  return *this;
}

Command& Command::credentials(Credentials credentials) {
  options_.credentials = std::move(credentials);
  return *this;
}

Command& Command::die_with_parent(bool die) {
  options_.die_with_parent = die;
  return *this;
}

}  // namespace warden

#include "warden/command.h"

#include <iterator>
#include <ostream>
#include <utility>

#include "lib/spawn/command_options.h"

namespace warden {

std::string_view to_string(Stdio::Kind value) {
  switch (value) {
    case Stdio::Kind::kInherit:
      return "inherit";
    case Stdio::Kind::kNull:
      return "null";
    case Stdio::Kind::kFd:
      return "fd";
    case Stdio::Kind::kFile:
      return "file";
    case Stdio::Kind::kPipe:
      return "pipe";
    case Stdio::Kind::kCapture:
      return "capture";
    case Stdio::Kind::kMerge:
      return "merge";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Stdio::Kind value) { return out << to_string(value); }

std::string_view to_string(Stdio::FileMode value) {
  switch (value) {
    case Stdio::FileMode::kRead:
      return "read";
    case Stdio::FileMode::kTruncate:
      return "truncate";
    case Stdio::FileMode::kAppend:
      return "append";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Stdio::FileMode value) { return out << to_string(value); }

Stdio::Stdio(Kind kind, int fd, std::string path, FileMode mode)
    : kind_(kind), fd_(fd), path_(std::move(path)), mode_(mode) {}

Stdio Stdio::inherit() { return Stdio(Kind::kInherit); }
Stdio Stdio::null() { return Stdio(Kind::kNull); }
Stdio Stdio::fd(int fd) { return Stdio(Kind::kFd, fd); }
Stdio Stdio::file(std::string path) { return Stdio(Kind::kFile, -1, std::move(path), FileMode::kTruncate); }
Stdio Stdio::append_file(std::string path) { return Stdio(Kind::kFile, -1, std::move(path), FileMode::kAppend); }
Stdio Stdio::pipe() { return Stdio(Kind::kPipe); }
Stdio Stdio::merge() { return Stdio(Kind::kMerge); }

Stdio Stdio::capture(const CaptureOptions& options) {
  Stdio stdio(Kind::kCapture);
  stdio.capture_ = options;
  return stdio;
}

Command::Command(std::string program) : program_(std::move(program)), options_(new internal::CommandOptions) {}

// Allocates last, since nothing else frees it.
Command::Command(const Command& other)
    : program_(other.program_), arguments_(other.arguments_), options_(new internal::CommandOptions(*other.options_)) {}

Command::Command(Command&& other) : Command(std::string()) { swap(other); }

Command& Command::operator=(Command other) {
  swap(other);
  return *this;
}

void Command::swap(Command& other) noexcept {
  program_.swap(other.program_);
  arguments_.swap(other.arguments_);
  std::swap(options_, other.options_);
}

Command::~Command() { delete options_; }

const internal::CommandOptions& internal::options_of(const Command& command) { return *command.options_; }

const std::string& Command::display_name() const { return options_->name.has_value() ? *options_->name : program_; }

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

Command& Command::argv0(std::string argument) {
  options_->argv0 = std::move(argument);
  return *this;
}

Command& Command::shell_fallback(bool fall_back) {
  options_->shell_fallback = fall_back;
  return *this;
}

Command& Command::env(std::string name, std::string value) {
  options_->env_changes.push_back({internal::EnvChange::Kind::kSet, std::move(name), std::move(value)});
  return *this;
}

Command& Command::unset_env(std::string name) {
  options_->env_changes.push_back({internal::EnvChange::Kind::kUnset, std::move(name), {}});
  return *this;
}

Command& Command::clear_env() {
  options_->env_changes.push_back({internal::EnvChange::Kind::kClear, {}, {}});
  return *this;
}

Command& Command::cwd(std::string directory) {
  options_->cwd = std::move(directory);
  return *this;
}

Command& Command::name(std::string name) {
  options_->name = std::move(name);
  return *this;
}

Command Command::shell(std::string line) {
  Command command("/bin/sh");
  command.args({"-c", "--"}).arg(std::move(line));
  return command;
}

Command& Command::keep_stdin_open(bool keep) {
  options_->keep_stdin_open = keep;
  return *this;
}

Command& Command::set_stdio(int stream, Stdio stdio) {
  options_->stdio[stream] = std::move(stdio);
  options_->stdio_is_set[stream] = true;
  return *this;
}

Command& Command::stdin_from(Stdio stdio) { return set_stdio(0, std::move(stdio)); }

Command& Command::stdout_to(Stdio stdio) { return set_stdio(1, std::move(stdio)); }

Command& Command::stderr_to(Stdio stdio) { return set_stdio(2, std::move(stdio)); }

Command Command::with_default_streams(Stdio stdin_default, Stdio stdout_default, Stdio stderr_default) const {
  Command copy = *this;
  if (!options_->stdio_is_set[0]) copy.stdin_from(std::move(stdin_default));
  if (!options_->stdio_is_set[1]) copy.stdout_to(std::move(stdout_default));
  if (!options_->stdio_is_set[2]) copy.stderr_to(std::move(stderr_default));
  return copy;
}

Command& Command::inherit_fd(int fd) { return inherit_fd(fd, fd); }

Command& Command::inherit_fd(int source, int target) {
  options_->inherited_fds.push_back({source, target});
  return *this;
}

Command& Command::inherit_descriptors(bool inherit) {
  options_->inherit_descriptors = inherit;
  return *this;
}

Command& Command::keep_ignored_signals(bool keep) {
  options_->keep_ignored_signals = keep;
  return *this;
}

Command& Command::keep_signal_mask(bool keep) {
  options_->keep_signal_mask = keep;
  return *this;
}

Command& Command::group(bool own_group) {
  options_->group = own_group;
  return *this;
}

Command& Command::new_session(bool own_session) {
  options_->new_session = own_session;
  return *this;
}

Command& Command::foreground(bool foreground) {
  options_->foreground = foreground;
  return *this;
}

Command& Command::umask(unsigned mask) {
  options_->umask = mask;
  return *this;
}

Command& Command::limit(ResourceLimit limit) {
  options_->limits.push_back(limit);
  return *this;
}

Command& Command::nice(int value) {
  options_->nice = value;
  return *this;
}

Command& Command::cpu_affinity(std::vector<int> processors) {
  options_->cpu_affinity = std::move(processors);
  return *this;
}

Command& Command::credentials(Credentials credentials) {
  options_->credentials = std::move(credentials);
  return *this;
}

Command& Command::no_new_privileges(bool set) {
  options_->no_new_privileges = set;
  return *this;
}

Command& Command::containment(Containment containment) { return this->containment({containment}); }

Command& Command::containment(std::initializer_list<Containment> containments) {
  options_->containment = containments;
  options_->containment_is_set = true;
  return *this;
}

Command Command::with_default_containment(Containment containment) const {
  Command copy = *this;
  if (!options_->containment_is_set) copy.options_->containment = {containment};
  return copy;
}

Command& Command::die_with_parent(bool die) {
  options_->die_with_parent = die;
  return *this;
}

}  // namespace warden

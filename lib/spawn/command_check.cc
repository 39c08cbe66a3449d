#include "lib/spawn/command_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "lib/base/os_error.h"
#include "lib/spawn/command_options.h"

namespace warden::internal {
namespace {

using Problem = std::optional<SpawnError>;

constexpr int kMostProcessors = 8192;  // NR_CPUS of the kernel at most, on any machine

SpawnError problem(std::string field, std::string value, std::string reason, int error = EINVAL) {
  SpawnError found;
  found.code = os_error(error);
  found.step = SpawnError::Step::kValidate;
  found.invalid_argument = InvalidArgument{std::move(field), std::move(value), std::move(reason)};
  return found;
}

Problem check_text(const std::string& field, const std::string& text) {
  if (text.find('\0') == std::string::npos) return std::nullopt;
  return problem(field, text, "contains a NUL byte");
}

Problem check_path(const std::string& field, const std::string& path) {
  if (path.empty()) return problem(field, path, "is empty");
  return check_text(field, path);
}

Problem check_arguments(const Command& command) {
  if (auto found = check_path("program", command.program())) return found;
  if (auto found = check_text("argv0", options_of(command).argv0.value_or(""))) return found;
  for (std::size_t i = 0; i < command.arguments().size(); ++i) {
    if (auto found = check_text(absl::StrCat("args[", i, "]"), command.arguments()[i])) return found;
  }
  return std::nullopt;
}

Problem check_environment(const CommandOptions& options) {
  for (const EnvChange& change : options.env_changes) {
    if (change.kind == EnvChange::Kind::kClear) continue;
    if (change.name.empty()) return problem("env", change.name, "a variable's name is empty");
    if (change.name.find('=') != std::string::npos)
      return problem("env", change.name, "a variable's name contains '='");
    if (auto found = check_text("env", change.name)) return found;
    if (auto found = check_text(absl::StrCat("env[", change.name, "]"), change.value)) return found;
  }
  return std::nullopt;
}

Problem check_cwd(const CommandOptions& options) {
  if (!options.cwd.has_value()) return std::nullopt;
  const std::string& cwd = *options.cwd;
  if (auto found = check_path("cwd", cwd)) return found;
  struct stat info = {};
  if (::stat(cwd.c_str(), &info) != 0) return problem("cwd", cwd, "cannot be the child's directory", errno);
  if (!S_ISDIR(info.st_mode)) return problem("cwd", cwd, "cannot be the child's directory", ENOTDIR);
  return std::nullopt;
}

Problem check_open(const std::string& field, int fd) {
  if (::fcntl(fd, F_GETFD) >= 0) return std::nullopt;
  return problem(field, absl::StrCat(fd), "is not an open descriptor", EBADF);
}

// `number` is the stream's.
Problem check_capture(const std::string& field, const Stdio& stdio, int number) {
  if (number == 0) return problem(field, "capture", "only stdout and stderr can be captured");
  if (stdio.capture_options().max_line_length == 0) return problem(field, "max_line_length 0", "no line has room");
  return std::nullopt;
}

Problem check_streams(const CommandOptions& options) {
  static const char* const kNames[] = {"stdin", "stdout", "stderr"};
  for (int i = 0; i < 3; ++i) {
    const Stdio& stdio = options.stdio[i];
    Problem found;
    if (stdio.kind() == Stdio::Kind::kFd) found = check_open(kNames[i], stdio.descriptor());
    if (stdio.kind() == Stdio::Kind::kFile) found = check_path(kNames[i], stdio.path());
    if (stdio.kind() == Stdio::Kind::kPipe && i != 0) found = problem(kNames[i], "pipe", "only stdin can be a pipe");
    if (stdio.kind() == Stdio::Kind::kCapture) found = check_capture(kNames[i], stdio, i);
    if (stdio.kind() == Stdio::Kind::kMerge && i != 2) found = problem(kNames[i], "merge", "only stderr can be merged");
    if (found.has_value()) return found;
  }
  return std::nullopt;
}

Problem check_inherited(const CommandOptions& options) {
  std::set<int> targets;
  for (const InheritedFd& inherited : options.inherited_fds) {
    if (auto found = check_open("inherit_fd", inherited.source)) return found;
    const std::string target = absl::StrCat(inherited.target);
    if (inherited.target < 3) return problem("inherit_fd", target, "a target below 3 is a standard stream's");
    if (!targets.insert(inherited.target).second) return problem("inherit_fd", target, "the target is given twice");
  }
  return std::nullopt;
}

Problem check_limits(const CommandOptions& options) {
  for (const ResourceLimit& limit : options.limits) {
    if (limit.resource < 0 || limit.resource >= static_cast<int>(RLIMIT_NLIMITS)) {
      return problem("limit", absl::StrCat(limit.resource), "is not a resource of getrlimit(2)");
    }
    if (limit.soft > limit.hard) {
      return problem("limit", absl::StrCat(limit.soft, " > ", limit.hard), "the soft limit is above the hard limit");
    }
  }
  return std::nullopt;
}

Problem check_affinity(const CommandOptions& options) {
  if (!options.cpu_affinity.has_value()) return std::nullopt;
  if (options.cpu_affinity->empty()) return problem("cpu_affinity", "", "names no processor");
  for (const int processor : *options.cpu_affinity) {
    if (processor >= 0 && processor < kMostProcessors) continue;
    return problem("cpu_affinity", absl::StrCat(processor), absl::StrCat("is not from 0 to ", kMostProcessors - 1));
  }
  return std::nullopt;
}

Problem check_containment(const CommandOptions& options) {
  if (options.containment.empty()) return problem("containment", "", "names no containment");
  std::set<Containment> seen;
  for (const Containment containment : options.containment) {
    const std::string name(to_string(containment));
    if (name == "unknown") return problem("containment", name, "is not a containment");
    if (!seen.insert(containment).second) return problem("containment", name, "is named twice");
  }
  return std::nullopt;
}

Problem check_setting(const CommandOptions& options) {
  if (options.umask.has_value() && *options.umask > 0777) {
    return problem("umask", absl::StrCat(*options.umask), "is above 0777");
  }
  if (options.nice.has_value() && (*options.nice < -20 || *options.nice > 19)) {
    return problem("nice", absl::StrCat(*options.nice), "is not from -20 to 19");
  }
  if (options.foreground && (options.new_session || !options.group)) {
    return problem("foreground", "true", "needs a group of its own in the parent's session");
  }
  return std::nullopt;
}

}  // namespace

std::optional<SpawnError> check_command(const Command& command) {
  const CommandOptions& options = options_of(command);
  Problem found = check_arguments(command);
  if (!found) found = check_text("name", command.display_name());
  if (!found) found = check_environment(options);
  if (!found) found = check_cwd(options);
  if (!found) found = check_streams(options);
  if (!found) found = check_inherited(options);
  if (!found) found = check_limits(options);
  if (!found) found = check_affinity(options);
  if (!found) found = check_containment(options);
  if (!found) found = check_setting(options);
  if (found.has_value()) found->process_name = command.display_name();
  return found;
}

}  // namespace warden::internal

#include "lib/run/run_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/argument_check.h"
#include "lib/base/os_error.h"
#include "lib/spawn/command_options.h"

namespace warden::internal {
namespace {

using Problem = std::optional<InvalidArgument>;

Problem check_policy(const TerminationPolicy& policy) {
  Problem found = policy.validate();
  if (found.has_value()) found->field = absl::StrCat("policy.", found->field);
  return found;
}

Problem check_capture(const CaptureOptions& capture) {
  if (capture.max_line_length > 0) return std::nullopt;
  return InvalidArgument{"capture.max_line_length", "0", "no line has room"};
}

Problem check_stdin(const Command& command, const RunOptions& options) {
  if (!is_to_be_fed(options)) return std::nullopt;
  const bool is_file = options.stdin_file.has_value();
  const std::string field = is_file ? "stdin_file" : "stdin_text";
  const std::string value = is_file ? *options.stdin_file : absl::StrCat(options.stdin_text->size(), " bytes");
  if (is_file && options.stdin_text.has_value()) return InvalidArgument{field, value, "stdin_text is given, too"};
  if (options_of(command).stdio_is_set[0]) return InvalidArgument{field, value, "the command has a stdin of its own"};
  if (!is_file) return std::nullopt;
  if (value.empty()) return InvalidArgument{field, value, "is empty"};
  if (value.find('\0') != std::string::npos) return InvalidArgument{field, value, "contains a NUL byte"};
  return std::nullopt;
}

// 0, or an errno.
int open_file(const std::string& path, UniqueFd* file) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return errno;
  const int raised = raise_above_stdio(fd);
  if (raised < 0) return -raised;
  UniqueFd opened(raised);
  struct stat info = {};
  if (::fstat(raised, &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  *file = std::move(opened);
  return 0;
}

RunError refused(const Command& command, InvalidArgument invalid, std::error_code code) {
  RunError error{RunError::Step::kOptions, code, command.display_name()};
  error.invalid_argument = std::move(invalid);
  return error;
}

}  // namespace

std::optional<RunError> check_run_input(const Command& command, const RunOptions& options, UniqueFd* source) {
  Problem found = check_duration("timeout", options.timeout);
  if (!found) found = check_policy(options.policy);
  if (!found) found = check_duration("drain_timeout", options.drain_timeout);
  if (!found) found = check_capture(options.capture);
  if (!found) found = check_stdin(command, options);
  if (found.has_value()) {
    const std::error_code code = make_error_code(*found);
    return refused(command, *std::move(found), code);
  }
  if (!options.stdin_file.has_value()) return std::nullopt;
  const int error = open_file(*options.stdin_file, source);
  if (error == 0) return std::nullopt;
  const std::error_code code = os_error(error);
  return refused(command, {"stdin_file", *options.stdin_file, absl::StrCat("cannot be read: ", code.message())}, code);
}

Command with_streams(const Command& command, const RunOptions& options) {
  const Stdio input = is_to_be_fed(options) ? Stdio::pipe() : Stdio::null();
  const Stdio output = Stdio::capture(options.capture);
  return command.with_default_streams(input, output, output).keep_stdin_open(false);
}

}  // namespace warden::internal

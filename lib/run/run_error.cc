// RunError, and require_success(), which turns an unsuccessful result into one.
#include <errno.h>

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "lib/base/os_error.h"
#include "lib/base/printable.h"
#include "lib/base/throw_error.h"
#include "lib/output/last_lines.h"
#include "warden/run.h"

namespace warden {
namespace {

using Step = RunError::Step;

constexpr std::size_t kMostLines = 10;
constexpr std::size_t kMostBytes = 4096;

// The stream on which the child complains.
const Output& complaints(const RunResult& result) {
  return result.stderr_is_merged ? result.stdout_output : result.stderr_output;
}

// Why the result is no success; no error when it is one.
std::error_code failure_of(const RunResult& result) {
  if (result.timed_out()) return internal::os_error(ETIMEDOUT);
  if (!result.status.success()) return Errc::kUnsuccessful;
  return result.stdin_report.has_value() ? result.stdin_report->read_error : std::error_code();
}

std::string checked_headline(const RunError& error) {
  const std::string name = absl::StrCat("process '", internal::printable(error.process_name), "'");
  const std::string status = error.status.has_value() ? error.status->to_string() : std::string();
  if (error.termination.has_value()) {
    return absl::StrCat(name, " did not end within ", absl::FormatDuration(error.timeout),
                        " and was terminated: ", status, ".");
  }
  if (error.status.has_value() && !error.status->success()) return absl::StrCat(name, " failed: ", status, ".");
  return absl::StrCat(name, " got only a part of its input: ", error.code.message(), ".");
}

std::string headline(const RunError& error) {
  switch (error.step) {
    case Step::kOptions:
      return absl::StrCat("cannot run '", internal::printable(error.process_name),
                          "': ", error.invalid_argument.has_value() ? error.invalid_argument->to_string() : "", ".");
    case Step::kSpawn:
      return error.spawn_error.has_value() ? error.spawn_error->to_string() : error.code.message();
    case Step::kFeed:
      return absl::StrCat("process '", internal::printable(error.process_name),
                          error.termination_error.has_value() ? "' got no input" : "' was killed",
                          ": no thread could be created to feed its stdin: ", error.code.message(), ".");
    case Step::kWait:
    case Step::kTermination:
      return error.wait_error.has_value() ? error.wait_error->to_string() : error.code.message();
    case Step::kRequireSuccess:
      break;
  }
  return checked_headline(error);
}

}  // namespace

std::string RunError::to_string() const {
  std::string text = headline(*this);
  if (termination_error.has_value()) absl::StrAppend(&text, " ", termination_error->to_string());
  if (!last_lines.empty())
    absl::StrAppend(&text, " Last lines:\n| ", absl::StrReplaceAll(last_lines, {{"\n", "\n| "}}));
  return text;
}

std::string_view to_string(Step step) {
  switch (step) {
    case Step::kOptions:
      return "options";
    case Step::kSpawn:
      return "spawn";
    case Step::kFeed:
      return "feed";
    case Step::kWait:
      return "wait";
    case Step::kTermination:
      return "termination";
    case Step::kRequireSuccess:
      break;
  }
  return "require_success";
}

std::ostream& operator<<(std::ostream& out, Step step) { return out << to_string(step); }
WARDEN_DEFINE_ERROR(RunError)

Result<RunResult, RunError> require_success(RunResult result) {
  const std::error_code code = failure_of(result);
  if (!code) return result;
  RunError error{Step::kRequireSuccess, code, std::move(result.process_name)};
  error.last_lines = internal::last_lines(complaints(result), kMostLines, kMostBytes);
  error.status = result.status;
  error.stdout_output = std::move(result.stdout_output);
  error.stderr_output = std::move(result.stderr_output);
  error.drain = std::move(result.drain);
  error.stdin_report = std::move(result.stdin_report);
  error.timeout = result.timeout;
  error.termination = std::move(result.termination);
  return error;
}

Result<RunResult, RunError> require_success(Result<RunResult, RunError> result) {
  if (!result) return result;
  return require_success(std::move(result).value());
}

}  // namespace warden

#include "warden/wait_or_terminate.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
#include "lib/base/throw_error.h"

namespace warden {
namespace {

using Kind = WaitOrTerminateError::Kind;

std::string headline(const WaitOrTerminateError& error) {
  switch (error.kind) {
    case Kind::kRefused:
      return absl::StrCat(
          "refused to wait for or terminate process '", internal::printable(error.process_name),
          "': ", error.invalid_argument.has_value() ? error.invalid_argument->to_string() : error.code.message(), ".");
    case Kind::kWaitFailed:
      return absl::StrCat("failed to wait for process '", internal::printable(error.process_name),
                          "', which was terminated.");
    case Kind::kTerminationFailed:
      return absl::StrCat("process '", internal::printable(error.process_name), "' did not end within ",
                          absl::FormatDuration(error.timeout), " and could not be terminated.");
    case Kind::kWaitAndTerminationFailed:
      break;
  }
  return absl::StrCat("failed to wait for process '", internal::printable(error.process_name),
                      "' and to terminate it.");
}

}  // namespace

std::string WaitOrTerminateError::to_string() const {
  std::string text = headline(*this);
  if (wait_error.has_value()) absl::StrAppend(&text, " Wait: ", wait_error->to_string(), ".");
  if (termination.has_value()) absl::StrAppend(&text, " Ended: ", termination->status.to_string(), ".");
  if (termination_error.has_value()) absl::StrAppend(&text, " Termination: ", termination_error->to_string());
  return text;
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kRefused:
      return "refused";
    case Kind::kWaitFailed:
      return "wait_failed";
    case Kind::kTerminationFailed:
      return "termination_failed";
    case Kind::kWaitAndTerminationFailed:
      return "wait_and_termination_failed";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Kind kind) { return out << to_string(kind); }

std::ostream& operator<<(std::ostream& out, const WaitOrTerminateResult& result) {
  if (!result.termination.has_value()) return out << result.status;
  return out << "timed out after " << absl::FormatDuration(result.timeout) << ", then " << *result.termination;
}

WARDEN_DEFINE_ERROR(WaitOrTerminateError)

}  // namespace warden

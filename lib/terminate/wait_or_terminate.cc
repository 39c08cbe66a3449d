#include "warden/wait_or_terminate.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "lib/base/throw_error.h"

namespace warden {
namespace {

using Kind = WaitOrTerminateError::Kind;

std::string headline(const WaitOrTerminateError& error) {
  switch (error.kind) {
    case Kind::kRefused:
      return absl::StrCat("cannot wait for or terminate process '", error.process_name, "'.");
    case Kind::kWaitFailed:
      return absl::StrCat("failed to wait for process '", error.process_name, "', which was terminated.");
    case Kind::kTerminationFailed:
      return absl::StrCat("process '", error.process_name, "' did not end within ", absl::FormatDuration(error.timeout),
                          " and could not be terminated.");
    case Kind::kWaitAndTerminationFailed:
      break;
  }
  return absl::StrCat("failed to wait for process '", error.process_name, "' and to terminate it.");
}

}  // namespace

std::string WaitOrTerminateError::to_string() const {
  std::string text = headline(*this);
  if (wait_error.has_value()) absl::StrAppend(&text, " Wait: ", wait_error->to_string(), ".");
  if (termination.has_value()) absl::StrAppend(&text, " Ended: ", termination->status.to_string(), ".");
  if (termination_error.has_value()) absl::StrAppend(&text, " Termination: ", termination_error->to_string());
  return text;
}

std::error_code make_error_code(const WaitOrTerminateError& error) {
  if (error.termination_error.has_value()) return error.termination_error->code();
  return error.wait_error.has_value() ? error.wait_error->code : std::error_code();
}

std::ostream& operator<<(std::ostream& out, const WaitOrTerminateResult& result) {
  if (!result.termination.has_value()) return out << result.status;
  return out << "timed out after " << absl::FormatDuration(result.timeout) << ", then " << *result.termination;
}

WARDEN_DEFINE_THROW_AND_PRINT(WaitOrTerminateError)

}  // namespace warden

#include "warden/termination_error.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/internal/throw_error.h"

namespace warden {
namespace {

const char* headline(TerminationErrorKind kind) {
  switch (kind) {
    case TerminationErrorKind::kInvalidPolicy:
      return "cannot terminate process by this policy";
    case TerminationErrorKind::kSignalFailed:
      return "failed to send a signal to process";
    case TerminationErrorKind::kTerminationFailed:
      break;
  }
  return "failed to terminate process";
}

}  // namespace

TerminationError::TerminationError(TerminationErrorKind kind, std::error_code code, std::string process_name,
                                   AttemptLog attempts)
    : kind_(kind), code_(code), process_name_(std::move(process_name)), attempts_(std::move(attempts)) {}

std::string TerminationError::to_string() const {
  std::string text =
      absl::StrCat(headline(kind_), " '", process_name_, "': ", detail_.empty() ? code_.message() : detail_, ".");
  if (!survivors_.empty()) {
    absl::StrAppend(&text, " Left: ",
                    absl::StrJoin(survivors_, ", ",
                                  [](std::string* out, const Survivor& survivor) {
                                    absl::StrAppend(out, survivor.pid, " (", survivor.program, ")");
                                  }),
                    ".");
  }
  absl::StrAppend(&text, attempts_.empty() ? " Nothing was tried." : " Attempts: ");
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", "[", i + 1, "] ", attempts_[i].to_string());
  }
  return text;
}

std::error_code make_error_code(const TerminationError& error) { return error.code(); }

void outcome_throw_as_system_error_with_payload(const TerminationError& error) {
  internal::throw_system_error(error.code(), error.to_string());
}

std::ostream& operator<<(std::ostream& out, const Survivor& survivor) {
  return out << survivor.pid << " (" << survivor.program << ")";
}
std::ostream& operator<<(std::ostream& out, const TerminationError& error) { return out << error.to_string(); }

}  // namespace warden

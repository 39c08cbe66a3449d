#include "warden/termination_error.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/throw_error.h"

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

std::string text_of(const Survivor& survivor) { return absl::StrCat(survivor.pid, " (", survivor.program, ")"); }
std::string text_of(const StuckProcess& process) { return process.to_string(); }

template <typename T>
void append_text(std::string* out, const T& value) {
  out->append(text_of(value));
}

}  // namespace

std::string StuckProcess::to_string() const {
  std::string text = absl::StrCat(pid, " (", program, "), state ", std::string(1, state));
  if (tracer_pid != 0) {
    absl::StrAppend(&text, ", traced by ", tracer_pid);
    if (!tracer_program.empty()) absl::StrAppend(&text, " (", tracer_program, ")");
  }
  if (!wait_channel.empty()) absl::StrAppend(&text, ", in ", wait_channel);
  if (uid >= 0) absl::StrAppend(&text, ", of user ", uid);
  return text;
}

TerminationError::TerminationError(TerminationErrorKind kind, std::error_code code, std::string process_name,
                                   AttemptLog attempts)
    : kind_(kind), code_(code), process_name_(std::move(process_name)), attempts_(std::move(attempts)) {}

std::string TerminationError::to_string() const {
  std::string text =
      absl::StrCat(headline(kind_), " '", process_name_, "': ", detail_.empty() ? code_.message() : detail_, ".");
  if (!stuck_.empty()) {
    absl::StrAppend(&text, " Left: ", absl::StrJoin(stuck_, "; ", append_text<StuckProcess>), ".");
  } else if (!survivors_.empty()) {
    absl::StrAppend(&text, " Left: ", absl::StrJoin(survivors_, ", ", append_text<Survivor>), ".");
  }
  absl::StrAppend(&text, attempts_.empty() ? " Nothing was tried." : " Attempts: ");
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", "[", i + 1, "] ", attempts_[i].to_string());
  }
  return text;
}

std::error_code make_error_code(const TerminationError& error) { return error.code(); }

std::ostream& operator<<(std::ostream& out, const Survivor& survivor) { return out << text_of(survivor); }
std::ostream& operator<<(std::ostream& out, const StuckProcess& process) { return out << process.to_string(); }
WARDEN_DEFINE_THROW_AND_PRINT(TerminationError)

}  // namespace warden

#include "warden/termination_error.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/printable.h"
#include "lib/base/throw_error.h"

namespace warden {
namespace {

const char* headline(TerminationError::Kind kind) {
  switch (kind) {
    case TerminationError::Kind::kRefused:
      return "refused to signal process";
    case TerminationError::Kind::kSignalFailed:
      return "failed to send a signal to process";
    case TerminationError::Kind::kTerminationFailed:
      break;
  }
  return "failed to terminate process";
}

std::string text_of(const Survivor& survivor) {
  return absl::StrCat(survivor.pid, " (", internal::printable(survivor.program), ")");
}
std::string text_of(const StuckProcess& process) { return process.to_string(); }

template <typename T>
void append_text(std::string* out, const T& value) {
  out->append(text_of(value));
}

}  // namespace

std::string StuckProcess::to_string() const {
  std::string text = absl::StrCat(pid, " (", internal::printable(program), "), state ", std::string(1, state));
  if (tracer_pid != 0) {
    absl::StrAppend(&text, ", traced by ", tracer_pid);
    if (!tracer_program.empty()) absl::StrAppend(&text, " (", internal::printable(tracer_program), ")");
  }
  if (!wait_channel.empty()) absl::StrAppend(&text, ", in ", wait_channel);
  if (uid >= 0) absl::StrAppend(&text, ", of user ", uid);
  return text;
}

std::string_view to_string(TerminationError::Kind kind) {
  switch (kind) {
    case TerminationError::Kind::kRefused:
      return "refused";
    case TerminationError::Kind::kSignalFailed:
      return "signal_failed";
    case TerminationError::Kind::kTerminationFailed:
      return "termination_failed";
  }
  return "unknown";
}

std::string TerminationError::to_string() const {
  std::string text =
      absl::StrCat(headline(kind), " '", internal::printable(process_name),
                   "': ", invalid_argument.has_value() ? invalid_argument->to_string() : code.message(), ".");
  if (!stuck.empty()) {
    absl::StrAppend(&text, " Left: ", absl::StrJoin(stuck, "; ", append_text<StuckProcess>), ".");
  } else if (!survivors.empty()) {
    absl::StrAppend(&text, " Left: ", absl::StrJoin(survivors, ", ", append_text<Survivor>), ".");
  }
  absl::StrAppend(&text, attempts.empty() ? " Nothing was tried." : " Attempts: ");
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : " ", "[", i + 1, "] ", attempts[i].to_string());
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, TerminationError::Kind kind) { return out << to_string(kind); }
std::ostream& operator<<(std::ostream& out, const Survivor& survivor) { return out << text_of(survivor); }
std::ostream& operator<<(std::ostream& out, const StuckProcess& process) { return out << process.to_string(); }
WARDEN_DEFINE_ERROR(TerminationError)

}  // namespace warden

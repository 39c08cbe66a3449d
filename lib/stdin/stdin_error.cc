#include "warden/stdin_error.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
#include "lib/base/throw_error.h"

namespace warden {
namespace {

std::string reason_of(const StdinError& error) {
  switch (error.kind) {
    case StdinError::Kind::kClosed:
      return "it is closed";
    case StdinError::Kind::kTimedOut:
      return "it did not read in time";
    case StdinError::Kind::kNoReader:
      return "nobody reads it any more";
    case StdinError::Kind::kChildEnded:
      return "the process has ended";
    case StdinError::Kind::kRefused:
    case StdinError::Kind::kFailed:
      break;
  }
  return error.invalid_argument.has_value() ? error.invalid_argument->to_string() : error.code.message();
}

}  // namespace

std::string_view to_string(StdinError::Kind kind) {
  switch (kind) {
    case StdinError::Kind::kRefused:
      return "refused";
    case StdinError::Kind::kClosed:
      return "closed";
    case StdinError::Kind::kTimedOut:
      return "timed_out";
    case StdinError::Kind::kNoReader:
      return "no_reader";
    case StdinError::Kind::kChildEnded:
      return "child_ended";
    case StdinError::Kind::kFailed:
      break;
  }
  return "failed";
}

std::string StdinError::to_string() const {
  return absl::StrCat("could not write to the stdin of '", internal::printable(process_name), "' after ", written,
                      written == 1 ? " byte: " : " bytes: ", reason_of(*this));
}

std::ostream& operator<<(std::ostream& out, StdinError::Kind kind) { return out << to_string(kind); }
WARDEN_DEFINE_ERROR(StdinError)

}  // namespace warden

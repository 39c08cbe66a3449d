#include "warden/output_line.h"

#include <ostream>

#include "lib/base/printable.h"

namespace warden {

std::string_view to_string(LineWait::Kind kind) {
  switch (kind) {
    case LineWait::Kind::kMatched:
      return "matched";
    case LineWait::Kind::kStreamClosed:
      return "stream_closed";
    case LineWait::Kind::kChildExited:
      return "child_exited";
    case LineWait::Kind::kReadFailed:
      return "read_failed";
    case LineWait::Kind::kTimedOut:
      break;
  }
  return "timed_out";
}

std::ostream& operator<<(std::ostream& out, LineWait::Kind kind) { return out << to_string(kind); }

std::ostream& operator<<(std::ostream& out, const LineWait& wait) {
  out << wait.kind;
  if (wait.matched()) out << " \"" << internal::printable(wait.line) << (wait.truncated ? "...\"" : "\"");
  if (wait.read_error) out << ": " << wait.read_error.message();
  return out;
}

}  // namespace warden

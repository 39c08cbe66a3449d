#include "warden/readiness.h"

#include <ostream>

namespace warden {

std::string_view to_string(Readiness::Kind kind) {
  switch (kind) {
    case Readiness::Kind::kReady:
      return "ready";
    case Readiness::Kind::kExited:
      return "exited";
    case Readiness::Kind::kTimedOut:
      break;
  }
  return "timed_out";
}

std::ostream& operator<<(std::ostream& out, Readiness::Kind kind) { return out << to_string(kind); }

std::ostream& operator<<(std::ostream& out, const Readiness& readiness) {
  out << readiness.kind;
  if (readiness.status.has_value()) out << " (" << *readiness.status << ')';
  return out;
}

}  // namespace warden

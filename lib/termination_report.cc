#include "warden/termination_report.h"

#include <ostream>

namespace warden {

std::string_view to_string(EndCause cause) {
  switch (cause) {
    case EndCause::kNatural:
      return "natural";
    case EndCause::kByUs:
      return "by_us";
    case EndCause::kByAnother:
      return "by_another";
    case EndCause::kUnknown:
      break;
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, EndCause cause) { return out << to_string(cause); }

}  // namespace warden

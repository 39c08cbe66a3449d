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

std::ostream& operator<<(std::ostream& out, const TerminationReport& report) {
  out << report.status << " in phase " << report.ended_by << " (" << report.cause
      << (report.forced ? ", forced)" : ")");
  if (!report.survivors.empty()) out << "; outlived by";
  for (const Survivor& survivor : report.survivors) out << ' ' << survivor;
  if (!report.attempts.empty()) out << "; attempts:\n" << report.attempts;
  return out;
}

}  // namespace warden

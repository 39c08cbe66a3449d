#include "warden/timeout.h"

#include <ostream>

namespace warden {

std::ostream& operator<<(std::ostream& out, Timeout timeout) { return out << absl::FormatDuration(timeout.duration()); }

Deadline Deadline::after(Timeout timeout) {
  const auto now = std::chrono::steady_clock::now();
  const Deadline unlimited(std::chrono::steady_clock::time_point::max());
  if (timeout.duration() >= absl::FromChrono(unlimited.time() - now)) return unlimited;
  return now + absl::ToChronoNanoseconds(timeout.duration());
}

}  // namespace warden

#include "warden/timeout.h"

#include <ostream>

namespace warden {

std::ostream& operator<<(std::ostream& out, Timeout timeout) { return out << absl::FormatDuration(timeout.duration()); }

}  // namespace warden

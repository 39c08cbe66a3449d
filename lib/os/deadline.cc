#include "lib/os/deadline.h"

namespace warden::internal {

TimePoint deadline_after(TimePoint start, absl::Duration timeout) {
  const absl::Duration room = absl::FromChrono(TimePoint::max() - start);
  if (timeout >= room) return TimePoint::max();
  return start + absl::ToChronoNanoseconds(absl::Ceil(timeout, absl::Nanoseconds(1)));
}

absl::Duration duration_between(TimePoint start, TimePoint end) { return absl::FromChrono(end - start); }

}  // namespace warden::internal

// Saturating arithmetic between the API's absl::Duration and the monotonic clock.
#ifndef WARDEN_LIB_OS_DEADLINE_H_
#define WARDEN_LIB_OS_DEADLINE_H_

#include "absl/time/time.h"
#include "lib/os/sys.h"

namespace warden::internal {

// `start` + `timeout`, rounded up to the clock's tick; TimePoint::max(), which is never reached, for an infinite or too
// large sum. REQUIRES: timeout is not negative.
TimePoint deadline_after(TimePoint start, absl::Duration timeout);

absl::Duration duration_between(TimePoint start, TimePoint end);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_DEADLINE_H_

// What a child that somebody else has reaped has to say of its end: the kernel keeps the status for us since Linux
// 6.15; on an older one it is lost.
#ifndef WARDEN_TEST_SUPPORT_KEPT_STATUS_H_
#define WARDEN_TEST_SUPPORT_KEPT_STATUS_H_

#include "warden/exit_status.h"

namespace warden::test_support {

// The end itself, or lost.
ExitStatus if_kept(const ExitStatus& end);

// Whether that is the right status for a child that ended so and that somebody else may have reaped, as one may be that
// has no resource usage.
bool is_right(const ExitStatus& status, const ExitStatus& end);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_KEPT_STATUS_H_

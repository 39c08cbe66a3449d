// The status of a child that another wait has reaped: since Linux 6.15 the kernel keeps it for the library; before, it
// is lost.
#ifndef WARDEN_TEST_SUPPORT_KEPT_STATUS_H_
#define WARDEN_TEST_SUPPORT_KEPT_STATUS_H_

#include "warden/exit_status.h"

namespace warden::test_support {

// Returns `end`, or lost on a kernel that does not keep it.
ExitStatus if_kept(const ExitStatus& end);

// Whether the status is right for a child with this end that another wait may have reaped. A status without resource
// usage shows that one has.
bool is_right(const ExitStatus& status, const ExitStatus& end);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_KEPT_STATUS_H_

#include "test/support/kept_status.h"

#include <stdio.h>
#include <sys/utsname.h>

namespace warden::test_support {
namespace {

bool kernel_keeps_the_status() {
  utsname system = {};
  ::uname(&system);
  int major = 0;
  int minor = 0;
  ::sscanf(system.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= 15);
}

}  // namespace

ExitStatus if_kept(const ExitStatus& end) { return kernel_keeps_the_status() ? end : ExitStatus::lost(); }

bool is_right(const ExitStatus& status, const ExitStatus& end) {
  return status == (status.resource_usage().has_value() ? end : if_kept(end));
}

}  // namespace warden::test_support

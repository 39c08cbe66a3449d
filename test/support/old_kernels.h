// Kernels and containers without one or more of the newer system calls that the library uses.
#ifndef WARDEN_TEST_SUPPORT_OLD_KERNELS_H_
#define WARDEN_TEST_SUPPORT_OLD_KERNELS_H_

#include <ostream>
#include <string>
#include <vector>

#include "test/support/seccomp_filter.h"

namespace warden::test_support {

struct OldKernel {
  std::string name;
  std::vector<RefusedCall> without;
};

void PrintTo(const OldKernel& kernel, std::ostream* out);

// Returns each newer call alone as unknown (ENOSYS, or what older kernels say to a new flag of an old call) and as
// forbidden (EPERM), and the combinations that leave another way: a choice of these, or all (every_setting.h).
std::vector<OldKernel> old_kernels();

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_OLD_KERNELS_H_

// The surroundings of an attack: what else happens in the host, and what its kernel refuses.
#ifndef WARDEN_TEST_STORM_MODE_H_
#define WARDEN_TEST_STORM_MODE_H_

#include <string>
#include <vector>

#include "test/support/seccomp_filter.h"

namespace storm {

struct Mode {
  std::string name;
  bool has_thief = false;
  bool ignores_sigchld = false;
  bool is_contained = false;  // the children are trees
  std::vector<warden::test_support::RefusedCall> refused;
};

// Plain, under a thief, with SIGCHLD ignored; each refused call or group of calls of test/support/old_kernels.h alone;
// and the worst of these under a thief. The first three for trees, too, and without group signals by pidfd.
std::vector<Mode> all_modes();

}  // namespace storm

#endif  // WARDEN_TEST_STORM_MODE_H_

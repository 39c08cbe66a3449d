#include "test/support/other_user.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace warden::test_support {

std::string why_no_other_user() {
  if (::geteuid() != 0) return "needs to be root";
  unsigned inside = 0;
  unsigned outside = 0;
  unsigned count = 0;
  FILE* const map = ::fopen("/proc/self/uid_map", "re");
  if (map == nullptr) return {};  // a kernel without user namespaces
  const bool is_read = ::fscanf(map, "%u %u %u", &inside, &outside, &count) == 3;
  ::fclose(map);
  return is_read && count > 10'000'000 ? "" : "needs all users to be mapped, and not a sandbox's one";
}

bool become_other_user(uid_t user) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) {
    return false;
  }
  return ::prctl(PR_SET_DUMPABLE, 1) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

}  // namespace warden::test_support

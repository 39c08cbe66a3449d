#include "lib/os/kernel_version.h"

#include <sys/utsname.h>

#include <atomic>
#include <cstdio>

namespace warden::internal {
namespace {

constexpr int kPerMajor = 10'000;

// Stands for a release that cannot be parsed: older than every other.
constexpr int kNone = 1;

int read_release() {
  struct utsname system = {};
  int major = 0, minor = 0;
  const bool parsed = ::uname(&system) == 0 && std::sscanf(system.release, "%d.%d", &major, &minor) == 2;
  return parsed && major > 0 && minor >= 0 && minor < kPerMajor ? major * kPerMajor + minor : kNone;
}

}  // namespace

bool kernel_is_at_least(int major, int minor) {
  static std::atomic<int> known{0};
  int release = known.load(std::memory_order_relaxed);
  if (release == 0) {
    release = read_release();
    known.store(release, std::memory_order_relaxed);
  }
  return release >= major * kPerMajor + minor;
}

}  // namespace warden::internal

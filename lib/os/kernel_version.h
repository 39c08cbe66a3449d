// The kernel's version, for features that no call can probe.
#ifndef WARDEN_LIB_OS_KERNEL_VERSION_H_
#define WARDEN_LIB_OS_KERNEL_VERSION_H_

namespace warden::internal {

// Whether uname(2) names this release of Linux or a later one; false when its release cannot be parsed.
bool kernel_is_at_least(int major, int minor);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_KERNEL_VERSION_H_

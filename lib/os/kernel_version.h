// Which kernel this is, for what no call can be asked about.
#ifndef WARDEN_LIB_OS_KERNEL_VERSION_H_
#define WARDEN_LIB_OS_KERNEL_VERSION_H_

namespace warden::internal {

// Whether uname(2) names this release of Linux or a later one; false where it says nothing that can be read.
bool kernel_is_at_least(int major, int minor);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_KERNEL_VERSION_H_

// A descriptor table of a thread's own, beside the process's: for who needs a descriptor while that table is full
// (EMFILE).
#ifndef WARDEN_LIB_OS_PRIVATE_TABLE_H_
#define WARDEN_LIB_OS_PRIVATE_TABLE_H_

#include <functional>

namespace warden::internal {

// Leaves the process's table for one that has free numbers. False where the kernel refuses. For threads of our own
// only: the host's descriptors are not to be had in it.
bool leave_shared_table();

// Runs `work` on a thread that has left the shared table, and returns after it. False, with nothing run, where such a
// thread cannot be had.
bool run_in_own_table(const std::function<void()>& work);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PRIVATE_TABLE_H_

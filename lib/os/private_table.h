// A private descriptor table for one of our threads, for when the process's table is full (EMFILE).
#ifndef WARDEN_LIB_OS_PRIVATE_TABLE_H_
#define WARDEN_LIB_OS_PRIVATE_TABLE_H_

#include <functional>

namespace warden::internal {

// Moves the calling thread from the process's table to one that has free numbers. False where the kernel refuses. For
// our own threads only: the private table lacks the host's descriptors.
bool leave_shared_table();

// Runs `work` on a new thread with a private table, and returns after it. False, with nothing run, where that thread
// cannot be created or cannot leave the shared table. Rethrows what `work` throws.
bool run_in_private_table(const std::function<void()>& work);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PRIVATE_TABLE_H_

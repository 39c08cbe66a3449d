// Waits for the end of processes that are not our children: the rest of a group whose leader has gone.
#ifndef WARDEN_LIB_INTERNAL_SURVIVORS_H_
#define WARDEN_LIB_INTERNAL_SURVIVORS_H_

#include <vector>

#include "lib/internal/supervised.h"

namespace warden::internal {

// Returns when one of them has ended, at the deadline, or where no pidfd can be had for them, after a short pause.
// Releases the lock. `live` is what look_at_group() found.
void wait_for_survivor(Supervised& child, Lock& lock, const std::vector<Member>& live, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_SURVIVORS_H_

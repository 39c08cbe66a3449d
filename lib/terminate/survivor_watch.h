// Waits for the end of processes that are not our children: the rest of a group whose leader has gone.
#ifndef WARDEN_LIB_TERMINATE_SURVIVOR_WATCH_H_
#define WARDEN_LIB_TERMINATE_SURVIVOR_WATCH_H_

#include <vector>

#include "absl/time/time.h"
#include "lib/supervise/supervised.h"

namespace warden::internal {

// One of the survivors of a child's group, to wait for: the group is not empty before each of them has gone.
struct SurvivorWatch {
  int pidfd = -1;     // the caller's to close; -1 when no pidfd can be had for any of them
  bool gone = false;  // one of them has gone meanwhile: no need to wait
};

// `live` is what look_at_group() found.
SurvivorWatch watch_survivor(Supervised& child, const std::vector<Member>& live);

// The pause after which a group is looked at again where nothing tells of its end.
inline constexpr absl::Duration kSurvivorPause = absl::Milliseconds(20);

// Returns when one of them has ended, when the child's state changes, at the deadline, or where no pidfd can be had for
// them, after a short pause. Releases the lock.
void wait_for_survivor(Supervised& child, Lock& lock, const std::vector<Member>& live, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_SURVIVOR_WATCH_H_

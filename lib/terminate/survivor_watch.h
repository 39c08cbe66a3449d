// Waits for the survivors of a group whose leader has ended. They are not children of this process.
#ifndef WARDEN_LIB_TERMINATE_SURVIVOR_WATCH_H_
#define WARDEN_LIB_TERMINATE_SURVIVOR_WATCH_H_

#include <vector>

#include "absl/time/time.h"
#include "lib/supervise/supervised.h"

namespace warden::internal {

// One survivor to wait for: the group is not empty before each of them has ended.
struct SurvivorWatch {
  Member member;
  int pidfd = -1;     // the caller's to close; -1 when no pidfd can be had for any of them
  bool gone = false;  // one of them has ended meanwhile: no need to wait
};

// `live` is what Group::look() found.
SurvivorWatch watch_survivor(Supervised& child, const std::vector<Member>& live);

// The pause before the next look at a group whose end nothing tells of.
inline constexpr absl::Duration kSurvivorPause = absl::Milliseconds(20);

// The longest pause between looks whether a survivor is still in the group: nothing tells that it leaves.
inline constexpr absl::Duration kLongestSurvivorPause = absl::Milliseconds(200);

// Returns when one of them has ended or left the group, when the child's state changes, at the deadline, or, where no
// pidfd can be opened, after a short pause. Releases the lock.
void wait_for_survivor(Supervised& child, Lock& lock, const std::vector<Member>& live, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_SURVIVOR_WATCH_H_

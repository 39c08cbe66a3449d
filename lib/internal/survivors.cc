#include "lib/internal/survivors.h"

#include <algorithm>

#include "lib/internal/deadline.h"

namespace warden::internal {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(20);

}  // namespace

void wait_for_survivor(Supervised& child, Lock& lock, const std::vector<Member>& live, TimePoint deadline) {
  Sys& sys = child.sys();
  std::vector<int> pidfds;
  bool gone = false;
  for (const Member& member : live) {
    if (pidfds.size() == Sys::kMostPolled || gone)
      break;  // enough to see the group shrink; the next scan finds the rest
    const int pidfd = sys.pidfd_open(member.pid);
    if (pidfd < 0) continue;
    const std::optional<bool> still = is_still_member(sys, member, child.pid());
    if (!still.has_value()) {  // out of descriptors: whose pidfd it is cannot be known
      sys.close_fd(pidfd);
      continue;
    }
    pidfds.push_back(pidfd);
    gone = !*still;  // the number may be somebody else's by now
  }
  if (pidfds.empty()) {
    child.wait_changed(lock, std::min(deadline, deadline_after(sys.now(), kPause)));
  } else if (!gone) {
    lock.unlock();
    sys.poll_readable(pidfds.data(), pidfds.size(), deadline);
    lock.lock();
  }
  for (const int pidfd : pidfds) sys.close_fd(pidfd);
}

}  // namespace warden::internal

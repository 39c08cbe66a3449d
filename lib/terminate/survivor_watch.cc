#include "lib/terminate/survivor_watch.h"

#include <errno.h>

#include <algorithm>

#include "lib/os/deadline.h"
#include "lib/os/sys_fd.h"

namespace warden::internal {

SurvivorWatch watch_survivor(Supervised& child, const std::vector<Member>& live) {
  Sys& sys = child.sys();
  for (const Member& member : live) {
    SysFd pidfd(sys, sys.pidfd_open(member.pid));
    if (pidfd.get() == -ESRCH) return {member, -1, true};
    if (pidfd.get() < 0) continue;
    const std::optional<bool> still = is_still_member(sys, member, child.pid());
    if (still.has_value() && *still) return {member, pidfd.release(), false};
    if (still.has_value()) return {member, -1, true};  // the number may be another process's by now
    // Out of descriptors: /proc cannot say whose pidfd this is.
  }
  return {};
}

void wait_for_survivor(Supervised& child, Lock& lock, const std::vector<Member>& live, TimePoint deadline) {
  Sys& sys = child.sys();
  const SurvivorWatch watch = watch_survivor(child, live);
  if (watch.gone) return;
  const SysFd pidfd(sys, watch.pidfd);
  if (pidfd.get() < 0) {
    child.changes().wait(lock, std::min(deadline, deadline_after(sys.now(), kSurvivorPause)));
    return;
  }
  for (absl::Duration pause = kSurvivorPause;; pause = std::min(pause * 2, kLongestSurvivorPause)) {
    const TimePoint next_look = std::min(deadline, deadline_after(sys.now(), pause));
    if (child.changes().wait_readable(lock, pidfd.get(), next_look) != Woken::kDeadline) return;
    if (sys.now() >= deadline || !is_still_member(sys, watch.member, child.pid()).value_or(false)) return;
  }
}

}  // namespace warden::internal

#include "test/benchmark/epoll_design.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>

#include "lib/os/process_table.h"
#include "lib/spawn/launcher.h"
#include "lib/spawn/spawn_plan.h"
#include "test/benchmark/measure.h"

namespace warden::benchmark {

using internal::ChildId;
using internal::linux_sys;

EpollDesign::EpollDesign() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { require(epoll_ >= 0, "epoll_create1"); }

EpollDesign::~EpollDesign() {
  for (const ChildId& child : children_) ::close(child.pidfd);
  ::close(epoll_);
}

void EpollDesign::spawn(const Command& command) {
  auto plan = internal::make_spawn_plan(command);
  require(plan.has_value(), "make_spawn_plan");
  const internal::LaunchResult launched = internal::launch(*plan.value());
  require(launched.error == 0 && launched.child.pidfd >= 0, "launch");
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = children_.size();
  children_.push_back(launched.child);
  require(::epoll_ctl(epoll_, EPOLL_CTL_ADD, launched.child.pidfd, &event) == 0, "epoll_ctl");
}

void EpollDesign::terminate_all() {
  for (const ChildId& child : children_) {
    require(linux_sys().pidfd_kill_group(child.pidfd, SIGTERM) == 0, "SIGTERM");
    const int continued = linux_sys().pidfd_kill_group(child.pidfd, SIGCONT);
    require(continued == 0 || continued == -ESRCH, "SIGCONT");
  }
  std::array<epoll_event, 256> events;
  for (std::size_t left = children_.size(); left > 0;) {
    const int ready = ::epoll_wait(epoll_, events.data(), events.size(), -1);
    require(ready > 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < ready; ++i, --left) reap(children_[events[static_cast<std::size_t>(i)].data.u64]);
  }
  internal::ProcessTable table(linux_sys());
  for (const int group : maybe_live_) {
    const internal::GroupScan scan = table.group(group);
    require(scan.known && scan.live.empty(), "somebody is left in a group");
  }
}

void EpollDesign::reap(ChildId child) {
  const internal::WaitOutcome seen = linux_sys().look(child, internal::Reap::kCollect);
  require(seen.status.has_value() && seen.status->signal() == Signal::terminate(), "a child was to die of SIGTERM");
  require(::epoll_ctl(epoll_, EPOLL_CTL_DEL, child.pidfd, nullptr) == 0, "epoll_ctl");
  if (linux_sys().pidfd_kill_group(child.pidfd, 0) != -ESRCH) maybe_live_.push_back(child.pid);
}

}  // namespace warden::benchmark

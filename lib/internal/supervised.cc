#include "lib/internal/supervised.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <utility>

#include "lib/internal/deadline.h"
#include "lib/internal/spawn_streak.h"
#include "lib/internal/sys_fd.h"

namespace warden::internal {
namespace {

// How long the kernel may take between giving a zombie to somebody else's wait and having its status for
// PIDFD_GET_INFO.
// Some 40 us as a rule; but a child that loses its processor right there takes until it gets it back, on a busy machine
// more than 10 ms.
constexpr absl::Duration kExitInfoPatience = absl::Seconds(1);
constexpr absl::Duration kFirstExitInfoPause = absl::Microseconds(50);
constexpr absl::Duration kLongestExitInfoPause = absl::Milliseconds(5);

// The longest wait for a descriptor where no event can be had for the changes.
constexpr absl::Duration kPauseWithoutEvent = absl::Milliseconds(20);

// After how many looks at a group of which no member was ever seen, none of which could be believed, a mark is asked.
constexpr int kMostUnbelievedLooks = 5;

// How often SIGKILL looks for members that were born since it went to the others.
constexpr int kMostKillRounds = 10;

// A call that a seccomp filter or an old kernel refuses, or that the process may not make.
bool is_refused(int error) { return error == ENOSYS || error == EPERM; }

}  // namespace

Supervised::~Supervised() {
  if (child_.pidfd >= 0) sys_.close_fd(child_.pidfd);
}

void Supervised::close_copies() {
  stdin_.close_copy();
  if (child_.pidfd >= 0) sys_.close_fd(std::exchange(child_.pidfd, -1));
}

void Supervised::begin(const Lock&, ChildId child, bool leads_group) {
  child_ = child;
  leads_group_ = leads_group;
  phase_ = Phase::kRunning;
  if (leads_group && child.pidfd >= 0 && !has_group_signals()) {
    // The mark goes by number: it counts if the child had that number afterwards.
    marked_ = sys_.mark_group(child.pidfd, child.pid) && sys_.look(child, Reap::kLeave).error != ECHILD;
  }
}

void Supervised::wait_in_grace(Lock& lock, TimePoint deadline) {
  while (!grace_is_over_ && sys_.now() < deadline) sys_.wait_until(grace_over_, lock, deadline);
}

void Supervised::notify(const Lock&) {
  if (sleepers_ > 0) changed_.notify_all();
  if (event_ != nullptr) std::exchange(event_, nullptr)->happen();
  for (ChangeObserver* const observer : observers_) observer->child_changed();
}

// Who goes and leaves the child alive wakes a reaper that has relied on us.
class Supervised::WaitsByPidfd {
 public:
  WaitsByPidfd(Supervised& child, Lock& lock) : child_(child), lock_(lock) {
    ++child_.waiters_by_pidfd_;
    end_spawn_streak();
  }
  ~WaitsByPidfd() {
    if (--child_.waiters_by_pidfd_ == 0 && !child_.ended(lock_)) child_.changed_.notify_all();
  }
  WaitsByPidfd(const WaitsByPidfd&) = delete;
  WaitsByPidfd& operator=(const WaitsByPidfd&) = delete;

 private:
  Supervised& child_;
  Lock& lock_;
};

bool Supervised::wait_readable_or_changed(Lock& lock, int fd, TimePoint deadline) {
  const std::shared_ptr<Event> event = next_change(lock);
  const bool has_event = event->fd() >= 0;
  if (!has_event) deadline = std::min(deadline, deadline_after(sys_.now(), kPauseWithoutEvent));
  const int fds[] = {fd, event->fd()};
  lock.unlock();
  const bool is_readable = sys_.poll_readable(fds, has_event ? 2 : 1, deadline);
  lock.lock();
  if (event_ != event) return false;             // it has happened
  if (event.use_count() == 2) event_ = nullptr;  // nobody else waits for it
  return is_readable;
}

// Readable and still not to be waited for means a tracer: the reaper goes on looking and tells us.
void Supervised::wait_exit_or_changed(Lock& lock, TimePoint deadline) {
  if (child_.pidfd < 0 || is_held_ || ended(lock)) {
    wait_changed(lock, deadline);
  } else {
    const WaitsByPidfd waits(*this, lock);
    if (wait_readable_or_changed(lock, child_.pidfd, deadline) && !look(lock)) is_held_ = true;
  }
}

bool Supervised::look_when_readable(Lock& lock, TimePoint deadline) {
  if (child_.pidfd < 0 || ended(lock) || sys_.now() >= deadline) return look(lock);
  const WaitsByPidfd waits(*this, lock);
  lock.unlock();
  sys_.poll_readable(&child_.pidfd, 1, deadline);
  lock.lock();
  return look(lock);
}

void Supervised::remove_observer(const Lock&, ChangeObserver* observer) {
  observers_.erase(std::find(observers_.begin(), observers_.end(), observer));
}

void Supervised::publish(const Lock& lock, const ExitStatus& status, Phase phase) {
  status_ = status;
  phase_ = phase;
  look_error_ = 0;
  notify(lock);
}

bool Supervised::has_group_signals() { return child_.pidfd >= 0 && sys_.has_pidfd_group_signals(child_.pidfd); }

bool Supervised::must_pin() { return leads_group_ && !released_ && !has_group_signals(); }

bool Supervised::look(Lock& lock) { return look(lock, child_); }

bool Supervised::look(Lock& lock, ChildId by) {
  if (ended(lock)) return true;
  const bool collect = !reaper_waits_by_number_ && !must_pin();
  const WaitOutcome seen = sys_.look(by, collect ? Reap::kCollect : Reap::kLeave);
  if (seen.error == ECHILD) return recover_lost(lock, by.pidfd);
  look_error_ = seen.error;
  if (!seen.status.has_value()) return false;
  publish(lock, *seen.status, collect ? Phase::kReaped : Phase::kPinned);
  return true;
}

// Somebody else has reaped the child, or SIGCHLD is ignored: the kernel may still have the status (Linux 6.15).
bool Supervised::recover_lost(Lock& lock, int pidfd) {
  ExitStatus status = ExitStatus::lost();
  const TimePoint give_up = deadline_after(sys_.now(), kExitInfoPatience);
  absl::Duration pause = kFirstExitInfoPause;
  while (pidfd >= 0) {
    const WaitOutcome info = sys_.exit_info(pidfd);
    if (info.status.has_value()) status = *info.status;
    if (info.status.has_value() || info.error != 0) break;
    const TimePoint now = sys_.now();
    if (now >= give_up) break;
    wait_changed(lock, std::min(give_up, deadline_after(now, pause)));
    if (ended(lock)) return true;  // another thread was quicker
    pause = std::min(pause * 2, kLongestExitInfoPause);
  }
  publish(lock, status, Phase::kLost);
  return true;
}

// Whether the leader or its zombie keeps the number from being given to others. Nobody keeps a foreign wait from
// either, or a kernel that reaps by itself (SIGCHLD ignored) before we have looked; what has the number then may be
// another child of this process.
bool Supervised::leader_has_number() {
  if (phase_ != Phase::kRunning && phase_ != Phase::kPinned) return false;
  const WaitOutcome seen = sys_.look(child_, Reap::kLeave);
  const bool taken = seen.error == ECHILD || (phase_ == Phase::kPinned && seen.error == 0 && !seen.status.has_value());
  if (taken && phase_ == Phase::kPinned) phase_ = Phase::kLost;
  return !taken;
}

bool Supervised::marked_group_lives() { return marked_ && sys_.marked_group_exists(child_.pidfd); }

// By the leader, or by a member of its group.
bool Supervised::number_is_ours() { return leader_has_number() || marked_group_lives(); }

int Supervised::send_to_group(int signal) {
  if (has_group_signals()) return -sys_.pidfd_kill_group(child_.pidfd, signal);
  if (!leader_has_number()) return marked_group_lives() ? send_to_members(signal) : ESRCH;
  const int error = -sys_.kill_group(child_.pid, signal);
  if (error == 0 && signal == SIGKILL) group_was_killed_ = true;
  return error;
}

// Each through a pidfd of its own, if it is a member while the number is the group's. As kill(2) of a group: a success
// when one was signalled. SIGKILL goes on to those who are born meanwhile, for some rounds.
int Supervised::send_to_members(int signal) {
  int error = ESRCH;
  std::set<std::pair<int, std::uint64_t>> known;
  for (int round = 0; round < (signal == SIGKILL ? kMostKillRounds : 1); ++round) {
    bool found = false;
    ProcessTable table(sys_);
    for (const Member& member : table.group(child_.pid).live) {
      if (!known.emplace(member.pid, member.start_time).second) continue;
      found = true;
      const int sent = send_to_member(member, signal);
      if (sent == 0 || error == ESRCH) error = sent;
    }
    if (!found) break;
  }
  return error;
}

int Supervised::send_to_member(const Member& member, int signal) {
  const SysFd pidfd(sys_, sys_.pidfd_open(member.pid));
  if (pidfd.get() < 0) return ESRCH;
  const bool is_ours = is_still_member(sys_, member, child_.pid).value_or(false) && number_is_ours();
  return is_ours ? -sys_.pidfd_kill_process(pidfd.get(), signal) : ESRCH;
}

int Supervised::send_to_leader(int signal) {
  if (phase_ != Phase::kRunning) return 0;
  int error = ENOSYS;
  if (child_.pidfd >= 0) error = -sys_.pidfd_kill_process(child_.pidfd, signal);
  if (!is_refused(error)) return error;
  return leader_has_number() ? -sys_.kill_process(child_.pid, signal) : 0;
}

int Supervised::send(const Lock& lock, AttemptTarget target, int signal) {
  if (phase_ == Phase::kStarting) return ESRCH;
  const bool to_group = target == AttemptTarget::kGroup && leads_group_ && !group_is_ours(lock);
  const int error = to_group ? send_to_group(signal) : send_to_leader(signal);
  if (error == 0 && signal != 0 && signal != SIGCONT && phase_ == Phase::kRunning) sent_ |= mask_of(signal);
  return error;
}

bool Supervised::group_is_ours(const Lock&) { return leads_group_ && sys_.get_process_group(0) == child_.pid; }

bool Supervised::leader_has_moved(const Lock&) {
  if (!leads_group_ || phase_ != Phase::kRunning) return false;
  const int group = sys_.get_process_group(child_.pid);
  return group > 0 && group != child_.pid;
}

bool Supervised::group_may_live(const Lock&) {
  if (!leads_group_ || group_is_empty_) return false;
  if (has_group_signals()) {
    group_is_empty_ = sys_.pidfd_kill_group(child_.pidfd, 0) == -ESRCH;
  } else if (marked_ && !number_is_ours()) {
    group_is_empty_ = true;
  }
  return !group_is_empty_;
}

// Whoever lives in the group, as /proc says. The zombie that pins a group keeps its mark from telling that everybody
// else has gone. Where /proc cannot be believed because somebody always ends while it is read, the zombie is let go and
// the mark asked: if somebody was there all the same, it says so, and keeps telling. But the zombie's number is what
// reaches all of a group that forks at once, so it is kept while there may be such a group (ADR 5).
GroupScan Supervised::scan_group(const Lock& lock, ProcessTable& table) {
  GroupScan scan = table.group(child_.pid);
  if (!scan.live.empty()) member_was_seen_ = true;
  if (!scan.never_still || !marked_ || phase_ != Phase::kPinned) return scan;
  ++unbelieved_looks_;
  const bool looks_deserted = !member_was_seen_ && unbelieved_looks_ >= kMostUnbelievedLooks;
  if (!looks_deserted && !group_was_killed_) return scan;
  collect(lock);
  return group_may_live(lock) ? scan : GroupScan{true, {}};
}

GroupState Supervised::look_at_group(const Lock& lock, ProcessTable& table, std::vector<Member>* live) {
  live->clear();
  if (!group_may_live(lock)) return GroupState::kEmpty;
  GroupScan scan = scan_group(lock, table);
  // Found members count only if the number was still the group's when the scan was over; if it was not, and the kernel
  // tells, nobody is left.
  if ((has_group_signals() || marked_) && !group_may_live(lock)) return GroupState::kEmpty;
  if (!scan.live.empty() && (has_group_signals() || number_is_ours())) {
    *live = std::move(scan.live);
    return GroupState::kLive;
  }
  // The kernel has just said that somebody is there: /proc must show who, if only a corpse, or it hides him.
  const bool is_told = has_group_signals() || (marked_ && phase_ != Phase::kPinned);
  if (!scan.known || !scan.live.empty() || (is_told && !table.has_corpse_of(child_.pid))) return GroupState::kUnknown;
  group_is_empty_ = true;
  return GroupState::kEmpty;
}

void Supervised::release(const Lock& lock) {
  released_ = true;
  collect_unpinned(lock);
}

void Supervised::collect_unpinned(const Lock& lock) {
  if (phase_ == Phase::kPinned && !reaper_waits_by_number_ && !must_pin()) collect(lock);
}

void Supervised::collect(const Lock& lock) {
  const WaitOutcome seen = sys_.look(child_, Reap::kCollect);
  phase_ = seen.error == ECHILD ? Phase::kLost : Phase::kReaped;
  notify(lock);
}

}  // namespace warden::internal

#include "lib/supervise/leader.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "lib/os/deadline.h"
#include "lib/os/next_question.h"
#include "lib/os/refused.h"
#include "lib/supervise/spawn_streak.h"

namespace warden::internal {
namespace {

// How long the kernel may take between giving a zombie to somebody else's wait and having its status for
// PIDFD_GET_INFO. It takes some 40 us as a rule; but a child that loses its processor right there takes until it gets
// it back, on a busy machine more than 10 ms.
constexpr absl::Duration kExitInfoPatience = absl::Seconds(1);
constexpr absl::Duration kFirstExitInfoPause = absl::Microseconds(50);
constexpr absl::Duration kLongestExitInfoPause = absl::Milliseconds(5);

// The pause between looks at a child whose pidfd the host has closed.
constexpr absl::Duration kPauseWithoutPidfd = absl::Milliseconds(20);

}  // namespace

void Leader::begin(const Lock& lock, ChildId id, bool leads_group) {
  changes_.check(lock);
  process_.set(id);
  if (id.pidfd < 0) changes_.do_without_events(lock);
  group_needs_number_ = leads_group;
  stage_ = Stage::kRunning;
}

void Leader::begin(const Lock& lock, ChildId id, StatusSource& source) {
  begin(lock, id, /*leads_group=*/false);
  source_ = &source;
}

void Leader::abandon(const Lock& lock) {
  changes_.check(lock);
  stage_ = Stage::kAbandoned;
}

bool Leader::wait_until_begun(Lock& lock) {
  while (stage_ == Stage::kStarting) changes_.wait(lock, TimePoint::max());
  return stage_ != Stage::kAbandoned;
}

Leader::Stage Leader::stage(const Lock& lock) const {
  changes_.check(lock);
  return stage_;
}

const ExitStatus& Leader::status(const Lock& lock) const {
  changes_.check(lock);
  return *status_;
}

int Leader::look_error(const Lock& lock) const {
  changes_.check(lock);
  return look_error_;
}

Leader::ReaperWaits::ReaperWaits(Leader& leader, Lock& lock, By by)
    : lock_(lock), waiting_(by == By::kPidfd ? leader.reapers_by_pidfd_ : leader.reapers_by_number_) {
  ++waiting_;
  lock_.unlock();
}

Leader::ReaperWaits::~ReaperWaits() {
  lock_.lock();
  --waiting_;
}

bool Leader::has_lost_news() const {
  return source_ == nullptr ? process_.has_lost_pidfd() : source_->has_lost_descriptors();
}

bool Leader::may_have_lost_reaper(Lock& lock) { return reapers_by_pidfd_ > 0 && has_lost_news() && !look(lock); }

bool Leader::is_waited_for_by_pidfd(const Lock& lock) const {
  changes_.check(lock);
  return waiters_by_pidfd_ > 0;
}

// A waiter that leaves before the exit wakes the reaper, which had left the wait to it.
class Leader::WaitsByPidfd {
 public:
  WaitsByPidfd(Leader& leader, Lock& lock) : leader_(leader), lock_(lock) {
    ++leader_.waiters_by_pidfd_;
    end_spawn_streak();
  }
  ~WaitsByPidfd() {
    if (--leader_.waiters_by_pidfd_ == 0 && !leader_.ended(lock_)) leader_.changes_.wake_sleepers();
  }
  WaitsByPidfd(const WaitsByPidfd&) = delete;
  WaitsByPidfd& operator=(const WaitsByPidfd&) = delete;

 private:
  Leader& leader_;
  Lock& lock_;
};

void Leader::wait_changed(Lock& lock, TimePoint deadline) {
  const bool is_alone = has_lost_news();
  changes_.wait(
      lock, is_alone ? std::min(deadline, deadline_after(sys_.now(), kPauseWithoutPidfd)) : next_question(deadline));
  if (is_alone) look(lock);
}

TimePoint Leader::next_question(TimePoint deadline) const {
  return process_.can_lose_pidfd() ? internal::next_question(sys_, deadline) : deadline;
}

// A pidfd that is readable while its process cannot be waited for means a tracer: the reaper goes on looking and tells
// us.
void Leader::wait_exit_or_changed(Lock& lock, TimePoint deadline) {
  const WaitFds fds = news(lock);
  if (source_ != nullptr) deadline = source_->next_look(lock, deadline);
  if (fds.count == 0 || held_by_tracer_ || ended(lock)) {
    wait_changed(lock, deadline);
  } else {
    const WaitsByPidfd waits(*this, lock);
    const bool is_readable =
        changes_.wait_readable(lock, fds.fds, fds.count, next_question(deadline)) == Woken::kReadable;
    if (is_readable && !look(lock)) held_by_tracer_ = source_ == nullptr || source_->is_blind(lock);
  }
}

bool Leader::look_when_readable(Lock& lock, TimePoint deadline) {
  WaitFds fds = news(lock);
  if (fds.count == 0 || ended(lock) || sys_.now() >= deadline) return look(lock);
  const WaitsByPidfd waits(*this, lock);
  const TimePoint until = source_ == nullptr ? deadline : source_->next_look(lock, deadline);
  lock.unlock();
  while (!sys_.poll_readable(fds.fds, fds.count, next_question(until))) {
    if (has_lost_news() || sys_.now() >= until) break;
  }
  lock.lock();
  return look(lock);
}

WaitFds Leader::news(const Lock& lock) const {
  if (source_ != nullptr) return source_->news(lock);
  WaitFds fds;
  fds.add(process_.pidfd());
  return fds;
}

bool Leader::look_at_source(Lock& lock) {
  const WaitOutcome seen = source_->look_at_leader(lock);
  if (seen.error == ECHILD) return recover_lost(lock, process_.pidfd());
  if (seen.status.has_value()) publish(lock, *seen.status, Stage::kReaped);
  return seen.status.has_value();
}

bool Leader::look(Lock& lock, ChildId by) {
  if (ended(lock)) return true;
  if (source_ != nullptr) return look_at_source(lock);
  const Reap reap = reap_of(by);
  WaitOutcome seen = sys_.look(by, reap);
  if (!seen.status.has_value() && by.pidfd == process_.given().pidfd && process_.has_lost_pidfd()) {
    by.pidfd = -1;  // what was seen was another file
    seen = sys_.look(by, reap);
  }
  if (seen.error == ECHILD) return recover_lost(lock, by.pidfd);
  look_error_ = seen.error;
  if (!seen.status.has_value()) return false;
  publish(lock, *seen.status, seen.is_reaped ? Stage::kReaped : Stage::kPinned);
  return true;
}

// Group signals go by the pidfd that was given, which is known to be one of the child once that has told its end.
Reap Leader::reap_of(const ChildId& by) const {
  if (reapers_by_number_ > 0) return Reap::kLeave;
  if (!group_needs_number_ || unpinned_) return Reap::kCollect;
  return by.pidfd == process_.given().pidfd ? Reap::kCollectIfGroupSignals : Reap::kLeave;
}

// Somebody else has reaped the child, or SIGCHLD is ignored: the kernel may still have the status (Linux 6.15).
bool Leader::recover_lost(Lock& lock, int pidfd) {
  ExitStatus status = ExitStatus::lost();
  const TimePoint give_up = deadline_after(sys_.now(), kExitInfoPatience);
  absl::Duration pause = kFirstExitInfoPause;
  while (pidfd >= 0) {
    const WaitOutcome info = sys_.exit_info(pidfd);
    if (pidfd == process_.given().pidfd && process_.has_lost_pidfd()) break;  // it may tell of another process
    if (info.status.has_value()) status = *info.status;
    if (info.status.has_value() || info.error != 0) break;
    const TimePoint now = sys_.now();
    if (now >= give_up) break;
    changes_.wait(lock, std::min(give_up, deadline_after(now, pause)));
    if (ended(lock)) return true;  // another thread was quicker
    pause = std::min(pause * 2, kLongestExitInfoPause);
  }
  publish(lock, status, Stage::kLost);
  return true;
}

void Leader::publish(const Lock& lock, const ExitStatus& status, Stage stage) {
  status_ = status;
  stage_ = stage;
  look_error_ = 0;
  changes_.notify(lock);
}

bool Leader::has_group_signals() const {
  const int fd = process_.pidfd();
  return fd >= 0 && sys_.has_pidfd_group_signals(fd);
}

bool Leader::must_pin() const { return group_needs_number_ && !unpinned_ && !has_group_signals(); }

// Nobody keeps a foreign wait from the zombie, or a kernel that reaps by itself (SIGCHLD ignored) before we have
// looked; what has the number then may be another child of this process.
bool Leader::has_number(const Lock& lock) {
  changes_.check(lock);
  if (source_ != nullptr) return false;  // another process collects it
  if (stage_ != Stage::kRunning && stage_ != Stage::kPinned) return false;
  const WaitOutcome seen = sys_.look(process_.id(), Reap::kLeave);
  const bool taken = seen.error == ECHILD || (stage_ == Stage::kPinned && seen.error == 0 && !seen.status.has_value());
  if (taken && stage_ == Stage::kPinned) stage_ = Stage::kLost;
  return !taken;
}

int Leader::send(const Lock& lock, int signal) {
  changes_.check(lock);
  if (stage_ < Stage::kRunning) return ESRCH;
  if (stage_ != Stage::kRunning) return 0;
  // Signal 0 does nothing to a stranger, whose pidfd the host may have at the number.
  const int fd = signal == 0 ? process_.given().pidfd : process_.pidfd();
  const int error = fd >= 0 ? -sys_.pidfd_kill_process(fd, signal) : ENOSYS;
  if (source_ != nullptr) return error == ESRCH ? 0 : error;  // it has just ended
  if (!is_signal_by_pidfd_refused(error)) return error;
  return has_number(lock) ? -sys_.kill_process(process_.pid(), signal) : 0;
}

void Leader::unpin(const Lock& lock) {
  unpinned_ = true;
  collect_unpinned(lock);
}

void Leader::collect_unpinned(const Lock& lock) {
  if (stage(lock) == Stage::kPinned && reapers_by_number_ == 0 && !must_pin()) collect(lock);
}

void Leader::collect(const Lock& lock) {
  const WaitOutcome seen = sys_.look(process_.id(), Reap::kCollect);
  stage_ = seen.error == ECHILD ? Stage::kLost : Stage::kReaped;
  changes_.notify(lock);
}

void Leader::close_copy() {
  const int fd = process_.release_pidfd();
  if (fd >= 0) sys_.close_fd(fd);
}

}  // namespace warden::internal

#include "test/fake/fake_sys.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "lib/os/deadline.h"

namespace warden::internal {
namespace {

using State = FakeProcess::State;

}  // namespace

FakeSys::FakeSys() {
  add(kLeaderPid, kLeaderPid, "leader").is_child = true;
  add(1, 1, "init").is_stranger = true;
  add(900, 900, "another").is_stranger = true;
  pidfds_[kLeaderPidfd] = &leader();
}

FakeProcess& FakeSys::add(int pid, int group, std::string program) {
  FakeProcess& process = processes_.emplace_back();
  process.pid = pid;
  process.group = group;
  process.program = std::move(program);
  process.start_time = 500 + processes_.size();
  return process;
}

FakeProcess& FakeSys::add_member(std::string program) {
  return add(kLeaderPid + static_cast<int>(processes_.size()) - 2, kLeaderPid, std::move(program));
}

std::pair<FakeProcess&, int> FakeSys::add_leader(std::string program) {
  const int pid = kLeaderPid + static_cast<int>(processes_.size()) - 2;
  FakeProcess& process = add(pid, pid, std::move(program));
  process.is_child = true;
  pidfds_[next_pidfd_] = &process;
  return {process, next_pidfd_++};
}

FakeProcess& FakeSys::recycle(int pid, int group) {
  FakeProcess& stranger = add(pid, group, "stranger");
  stranger.is_stranger = true;
  return stranger;
}

void FakeSys::exit(FakeProcess& process, const ExitStatus& status) {
  if (!process.alive()) return;
  process.state = State::kZombie;
  process.status = status;
  if (!process.is_child) {
    const auto collect = [&process] { process.state = State::kGone; };
    if (init_delay == absl::ZeroDuration()) return collect();
    return schedule(elapsed() + init_delay, collect, false);
  }
  const auto reaper = supervised_.find(process.pid);
  if (reaper == supervised_.end()) return;
  at(elapsed(), [this, supervised = reaper->second] {
    Lock lock(*supervised);
    has_private_table_ = supervised->leader().process().pidfd() < 0;
    supervised->leader().look(lock);
    has_private_table_ = false;
  });
}

void FakeSys::schedule(absl::Duration time, std::function<void()> run, bool wakes) {
  events_.emplace(deadline_after(kStart, time), Event{std::move(run), wakes});
}

void FakeSys::fail_next(Call call, int error, int times) { failures_[call] = {error, times}; }

int FakeSys::record(Call call, int id, int signal, int result) {
  calls_.push_back({elapsed(), call, id, signal, result});
  if (calls_.size() >= kMostCalls) throw std::logic_error("the caller spins");
  return result;
}

int FakeSys::record_signal(Call call, int id, int signal, int result) {
  if (during_next_signal) std::exchange(during_next_signal, nullptr)();
  return record(call, id, signal, result);
}

int FakeSys::take_failure(Call call) {
  const auto found = failures_.find(call);
  if (found == failures_.end() || found->second.second == 0) return 0;
  --found->second.second;
  return found->second.first;
}

bool FakeSys::run_next_event(TimePoint deadline, bool* woken) {
  const auto next = events_.begin();
  if (next == events_.end() && deadline == TimePoint::max()) {
    throw std::logic_error("a wait for ever, and nothing that will happen");
  }
  if (next == events_.end() || next->first > deadline) {
    now_ = std::max(now_, deadline);
    return false;
  }
  const Event event = std::move(next->second);
  now_ = std::max(now_, next->first);
  events_.erase(next);
  event.run();
  *woken = event.wakes;
  return true;
}

void FakeSys::wait_until(std::condition_variable&, std::unique_lock<std::mutex>& lock, TimePoint deadline) {
  record(Call::kWait, 0, 0, 0);
  lock.unlock();
  bool woken = false;
  while (!woken && run_next_event(deadline, &woken)) {
  }
  lock.lock();
}

bool FakeSys::poll_readable(const int* fds, std::size_t count, TimePoint deadline) {
  record(Call::kPoll, *fds, 0, 0);
  if (count == 0) violate("poll of nothing");
  const auto ready = [&] { return std::any_of(fds, fds + count, [&](int fd) { return readable(fd); }); };
  while (!ready()) {
    bool woken = false;
    if (!run_next_event(deadline, &woken)) return ready();
  }
  return true;
}

FakeProcess* FakeSys::find(int pid) {
  const auto found = std::find_if(processes_.rbegin(), processes_.rend(),
                                  [pid](const FakeProcess& p) { return p.pid == pid && p.state != State::kGone; });
  return found == processes_.rend() ? nullptr : &*found;
}

FakeProcess* FakeSys::behind(int pidfd, const char* who) {
  const auto found = pidfds_.find(pidfd);
  if (found != pidfds_.end()) return found->second;
  violate(absl::StrCat(who, " of descriptor ", pidfd, ", which is not open"));
  return nullptr;
}

bool FakeSys::readable(int pidfd) {
  const auto event = events_happened_.find(pidfd);
  if (event != events_happened_.end()) return event->second;
  const FakeProcess* process = behind(pidfd, "poll");
  return process == nullptr || !process->alive();
}

WaitOutcome FakeSys::look(ChildId child, Reap reap) {
  if (reap == Reap::kCollectIfGroupSignals) {
    reap = pidfd_group_signals && child.pidfd >= 0 ? Reap::kCollect : Reap::kLeave;
  }
  const Call call = reap == Reap::kCollect ? Call::kReap : Call::kLook;
  const int failure = take_failure(Call::kLook);
  record(call, child.pidfd >= 0 ? child.pidfd : child.pid, 0, -failure);
  if (failure != 0) return {failure, std::nullopt};
  const auto afterwards = std::exchange(after_next_look, nullptr);
  const WaitOutcome outcome = look_at_child(child, reap);
  if (afterwards) afterwards();
  return outcome;
}

WaitOutcome FakeSys::look_at_child(ChildId child, Reap reap) {
  FakeProcess* process = child.pidfd >= 0 ? behind(child.pidfd, "look") : find(child.pid);
  if (process == nullptr || !process->is_child || process->state == State::kGone) return {ECHILD, std::nullopt};
  if (process->alive() || process->traced) return {};
  const bool collects = reap == Reap::kCollect;
  if (collects) process->state = State::kGone;
  return {0, process->status, collects};
}

void FakeSys::block_until_waitable(int) {
  bool woken = false;
  while ((leader().alive() || leader().traced) && run_next_event(TimePoint::max(), &woken)) {
  }
}

WaitOutcome FakeSys::exit_info(int pidfd) {
  record(Call::kExitInfo, pidfd, 0, 0);
  if (exit_info_empty_answers-- > 0) return {};
  if (exit_info_status.has_value()) return {0, exit_info_status};
  return {exit_info_error, std::nullopt};
}

int FakeSys::pidfd_open(int pid) {
  if (before_next_pidfd_open) std::exchange(before_next_pidfd_open, nullptr)();
  FakeProcess* process = find(pid);
  int error = pidfd_open_error != 0 ? pidfd_open_error : take_failure(Call::kPidfdOpen);
  if (error == 0 && process == nullptr) error = ESRCH;
  if (error != 0) return record(Call::kPidfdOpen, pid, 0, -error);
  pidfds_[next_pidfd_] = process;
  return record(Call::kPidfdOpen, pid, 0, next_pidfd_++);
}

void FakeSys::deliver(FakeProcess& process, int signal) {
  if (signal == 0) return;
  if (process.is_stranger) violate(absl::StrCat("signal ", signal, " to ", process.program));
  if (!process.alive() || (signal == SIGKILL && process.unkillable)) return;
  if (signal == SIGCONT) {
    process.stopped = false;
    for (const int pending : std::exchange(process.pending, {})) deliver(process, pending);
  }
  if (process.stopped && signal != SIGKILL) return process.pending.push_back(signal);
  const auto found = process.reactions.find(signal);
  if (found == process.reactions.end() && signal != SIGKILL) return;
  const auto reaction = found == process.reactions.end() ? FakeProcess::Reaction{} : found->second;
  const ExitStatus status = reaction.status.value_or(ExitStatus::signaled(Signal::from_number(signal).value(), false));
  if (reaction.after == absl::ZeroDuration()) return exit(process, status);
  schedule(
      elapsed() + reaction.after, [this, &process, status] { exit(process, status); }, false);
}

int FakeSys::signal_process(FakeProcess* process, int signal) {
  if (process == nullptr || process->state == State::kGone) return -ESRCH;
  if (process->denies_signals) return -EPERM;
  deliver(*process, signal);
  return 0;
}

int FakeSys::signal_group(int group, bool with_strangers, int signal) {
  int result = -ESRCH;
  for (FakeProcess& process : processes_) {
    if (process.group != group || process.state == State::kGone) continue;
    if (process.is_stranger && !with_strangers) continue;
    if (!process.denies_signals) result = 0;
    if (result == -ESRCH) result = -EPERM;
    if (!process.denies_signals) deliver(process, signal);
  }
  return result;
}

int FakeSys::kill_process(int pid, int signal) {
  if (pid <= 1) violate(absl::StrCat("kill_process(", pid, ", ", signal, ")"));
  const FakeProcess* const process = find(pid);
  if (process == nullptr || !process->is_child) violate("a signal by a number that the leader does not have");
  const int failure = take_failure(Call::kKillProcess);
  return record_signal(Call::kKillProcess, pid, signal, failure ? -failure : signal_process(find(pid), signal));
}

int FakeSys::kill_group(int pgid, int signal) {
  if (pgid <= 1) violate(absl::StrCat("kill_group(", pgid, ", ", signal, ")"));
  const FakeProcess* const pin = find(pgid);
  const bool pinned = pin != nullptr && pin->is_child;
  if (!pinned && !(group_marks && has_members(pgid))) violate("a group signal by a number that nothing pins");
  const int failure = take_failure(Call::kKillGroup);
  return record_signal(Call::kKillGroup, pgid, signal, failure ? -failure : signal_group(pgid, true, signal));
}

int FakeSys::pidfd_kill_process(int pidfd, int signal) {
  FakeProcess* process = behind(pidfd, "signal");
  const int failure = take_failure(Call::kPidfdKillProcess);
  return record_signal(Call::kPidfdKillProcess, pidfd, signal, failure ? -failure : signal_process(process, signal));
}

int FakeSys::pidfd_kill_group(int pidfd, int signal) {
  const FakeProcess* process = behind(pidfd, "group signal");
  if (!pidfd_group_signals) return -EINVAL;  // no signal, and not recorded
  int result = -take_failure(Call::kPidfdKillGroup);
  if (result == 0) result = process == nullptr ? -EBADF : signal_group(process->pid, false, signal);
  return record_signal(Call::kPidfdKillGroup, pidfd, signal, result);
}

bool FakeSys::has_pidfd_group_signals(int pidfd) {
  behind(pidfd, "group signal probe");
  return pidfd_group_signals;
}

bool FakeSys::mark_group(int pidfd, int pgid) {
  const FakeProcess* const process = behind(pidfd, "mark");
  if (process == nullptr || process->pid != pgid) violate("a mark for another group than the child's");
  return group_marks;
}

bool FakeSys::marked_group_exists(int pidfd) {
  const FakeProcess* const process = behind(pidfd, "question after the mark");
  if (!group_marks) violate("a question after a mark that could not be set");
  return process != nullptr && has_members(process->pid);
}

bool FakeSys::has_members(int group) const {
  return std::any_of(processes_.begin(), processes_.end(), [group](const FakeProcess& one) {
    return one.group == group && !one.is_stranger && one.state != State::kGone;
  });
}

int FakeSys::make_event() {
  if (make_event_error != 0) return record(Call::kMakeEvent, 0, 0, -make_event_error);
  events_happened_[next_pidfd_] = false;
  return record(Call::kMakeEvent, 0, 0, next_pidfd_++);
}

void FakeSys::signal_event(int fd) {
  if (events_happened_.count(fd) == 0) violate(absl::StrCat("signal of descriptor ", fd, ", which is no event"));
  if (has_private_table_) violate("signal of an event by a reaper whose descriptor table does not have it");
  events_happened_[fd] = true;
}

void FakeSys::close_fd(int fd) {
  if (pidfds_.erase(fd) + events_happened_.erase(fd) == 0)
    violate(absl::StrCat("close of descriptor ", fd, ", which is not open"));
  if (has_private_table_) violate("close of a descriptor by a reaper whose descriptor table does not have it");
  record(Call::kCloseFd, fd, 0, 0);
}

}  // namespace warden::internal

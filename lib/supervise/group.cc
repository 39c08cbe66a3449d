#include "lib/supervise/group.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "lib/os/refused.h"
#include "lib/os/sys_fd.h"

namespace warden::internal {
namespace {

using Stage = Leader::Stage;

// After how many looks at a group of which no member was ever seen, none of which could tell, a mark is asked.
constexpr int kMostUnsettledLooks = 5;

}  // namespace

void Group::begin(const Lock&, bool is_led) {
  is_led_ = is_led;
  const int fd = leader_.process().given().pidfd;
  if (is_led && fd >= 0 && !sys_.has_pidfd_group_signals(fd)) {
    // The mark goes by number: it counts if the child had that number afterwards.
    is_marked_ = sys_.mark_group(fd, number()) && sys_.look(leader_.process().id(), Reap::kLeave).error != ECHILD;
  }
}

bool Group::mark_tells_of_life() const { return is_marked() && sys_.marked_group_exists(pidfd()); }

// By the leader, or by a member of its group.
bool Group::number_is_ours(const Lock& lock) { return leader_.has_number(lock) || mark_tells_of_life(); }

// ENOSYS where that way is refused.
int Group::send_by_pidfd(int signal) const {
  const int fd = pidfd();
  if (fd < 0) return ENOSYS;
  const int error = -sys_.pidfd_kill_group(fd, signal);
  const bool is_refused = error == EPERM ? !leader_.has_group_signals() : is_group_signal_by_pidfd_refused(error);
  return is_refused ? ENOSYS : error;
}

int Group::send_to_all(const Lock& lock, int signal) {
  const int by_pidfd = send_by_pidfd(signal);
  if (by_pidfd != ENOSYS) return by_pidfd;
  if (!leader_.has_number(lock)) return mark_tells_of_life() ? send_to_members(lock, signal) : ESRCH;
  const int error = -sys_.kill_group(number(), signal);
  if (error == 0 && signal == SIGKILL) was_killed_ = true;
  return error;
}

// Each through a pidfd of its own, if it is a member while the number is the group's. As kill(2) of a group: a success
// when one was signalled. SIGKILL goes on to those whom later looks find. SIGCONT goes to those who got the signal
// before it.
int Group::send_to_members(const Lock& lock, int signal) {
  int error = ESRCH;
  kills_one_by_one_ = kills_one_by_one_ || signal == SIGKILL;
  if (signal != SIGCONT || signalled_.empty()) signalled_ = ProcessTable(sys_).group(number()).live;
  for (const Member& member : signalled_) {
    const int sent = send_to_member(lock, member, signal);
    if (sent == 0 || error == ESRCH) error = sent;
  }
  return error;
}

void Group::kill_unkilled(const Lock& lock, const std::vector<Member>& live) {
  for (const Member& member : live) {
    if (!seen_[{member.pid, member.start_time}].is_killed) send_to_member(lock, member, SIGKILL);
  }
}

int Group::send_to_member(const Lock& lock, const Member& member, int signal) {
  const SysFd opened(sys_, sys_.pidfd_open(member.pid));
  if (opened.get() < 0) return ESRCH;
  const bool is_ours = is_still_member(sys_, member, number()).value_or(false) && number_is_ours(lock);
  if (is_ours && signal == SIGKILL) {
    Sighting& sighting = seen_[{member.pid, member.start_time}];
    sighting.program = member.program;
    sighting.is_killed = true;
  }
  return is_ours ? -sys_.pidfd_kill_process(opened.get(), signal) : ESRCH;
}

int Group::send(const Lock& lock, AttemptTarget target, int signal, std::string*) {
  if (leader_.stage(lock) < Stage::kRunning) return ESRCH;
  const bool to_all = target == AttemptTarget::kGroup && is_led_ && !is_ours(lock);
  const int error = to_all ? send_to_all(lock, signal) : leader_.send(lock, signal);
  if (error == 0 && leader_.stage(lock) == Stage::kRunning) note_sent(signal);
  return error;
}

bool Group::is_ours(const Lock&) const { return is_led_ && sys_.get_process_group(0) == number(); }

bool Group::leader_has_moved(const Lock& lock) const {
  if (!is_led_ || leader_.stage(lock) != Stage::kRunning) return false;
  const int group = sys_.get_process_group(number());
  return group > 0 && group != number();
}

bool Group::may_live(const Lock& lock) {
  if (!is_led_ || is_empty_) return false;
  probe_error_ = send_by_pidfd(0);
  if (is_told_by_pidfd()) {
    is_empty_ = probe_error_ == ESRCH;
  } else if (is_marked() && !number_is_ours(lock)) {
    is_empty_ = true;
  }
  return !is_empty_;
}

// The processes that live in the group, as /proc says. The zombie that pins a group keeps its mark from telling that
// everybody else has gone. Where /proc never tells because the numbers of processes start again all the time, the
// zombie is let go and the mark asked: if a member was there all the same, the mark says so, and keeps telling. But the
// zombie's number is what reaches all of a group that forks at once, so it is kept while there may be such a group
// (ADR 5).
GroupScan Group::scan(const Lock& lock, ProcessTable& table) {
  GroupScan found = table.group(number());
  if (!found.live.empty()) member_was_seen_ = true;
  if (!found.is_unsettled || !is_marked() || leader_.stage(lock) != Stage::kPinned) return found;
  ++unsettled_looks_;
  const bool looks_deserted = !member_was_seen_ && unsettled_looks_ >= kMostUnsettledLooks;
  if (!looks_deserted && !was_killed_) return found;
  leader_.collect(lock);
  return may_live(lock) ? found : GroupScan{true, {}, false};
}

// The kernel has just said that a process is there. Where /proc shows no corpse, it hides one. EPERM says that all who
// are there belong to other users: then it was not a corpse of our own that the kernel has told of.
bool Group::is_told_of_hidden(const std::vector<int>& corpses) const {
  if (probe_error_ != EPERM) return corpses.empty();
  return std::none_of(corpses.begin(), corpses.end(), [this](int pid) {
    const SysFd opened(sys_, sys_.pidfd_open(pid));
    return opened.get() >= 0 && sys_.pidfd_kill_process(opened.get(), 0) == -EPERM;
  });
}

// Forgets those who do not live any more, once there are more than live in the group.
void Group::remember(const std::vector<Member>& live, ProcessTable& table) {
  for (const Member& member : live) {
    Sighting& sighting = seen_[{member.pid, member.start_time}];
    sighting.program = member.program;
    sighting.is_outside = false;
  }
  if (seen_.size() <= 2 * live.size()) return;
  const std::set<ProcessIdentity>* const living = table.living();
  if (living == nullptr) return;
  for (auto seen = seen_.begin(); seen != seen_.end();) {
    seen = living->count(seen->first) == 0 ? seen_.erase(seen) : std::next(seen);
  }
}

// After a look that has found nobody in the group. A stray that the reading has shown alive, and that has ended since,
// may have come back meanwhile and left a child: the next look tells.
GroupState Group::look_for_strays(ProcessTable& table, std::vector<Member>* live) {
  GroupState state = GroupState::kEmpty;
  const auto has_just_ended = [&table](const ProcessIdentity& identity) {
    const std::set<ProcessIdentity>* const living = table.living();
    return living != nullptr && living->count(identity) != 0;
  };
  for (auto seen = seen_.begin(); seen != seen_.end();) {
    const auto [pid, start_time] = seen->first;
    const std::optional<int> group = current_group(sys_, pid, start_time);
    if (!group.has_value()) return GroupState::kUnknown;
    if (*group == number()) {
      seen->second.is_outside = false;
      live->push_back({pid, seen->second.program, start_time});
    } else if (*group == 0 ? !has_just_ended(seen->first) : std::exchange(seen->second.is_outside, true)) {
      seen = seen_.erase(seen);
      continue;
    } else {
      state = GroupState::kUnsettled;
    }
    ++seen;
  }
  return live->empty() ? state : GroupState::kLive;
}

GroupState Group::look(const Lock& lock, ProcessTable& table, std::vector<Member>* live) {
  live->clear();
  if (!may_live(lock)) return GroupState::kEmpty;
  GroupScan found = scan(lock, table);
  // Found members count only if the number was still the group's when the scan was over; if it was not, and the kernel
  // tells, nobody is left.
  if ((is_told_by_pidfd() || is_marked()) && !may_live(lock)) return GroupState::kEmpty;
  if (!found.live.empty() && (is_told_by_pidfd() || number_is_ours(lock))) {
    remember(found.live, table);
    if (kills_one_by_one_) kill_unkilled(lock, found.live);
    *live = std::move(found.live);
    return GroupState::kLive;
  }
  if (found.is_unsettled) return GroupState::kUnsettled;
  const bool is_told = is_told_by_pidfd() || (is_marked() && leader_.stage(lock) != Stage::kPinned);
  if (!found.known || !found.live.empty()) return GroupState::kUnknown;
  if (is_told && is_told_of_hidden(table.corpses_of(number()))) return GroupState::kUnknown;
  GroupState state = GroupState::kEmpty;
  if (!seen_.empty()) sys_.with_free_descriptors([&] { state = look_for_strays(table, live); });
  is_empty_ = state == GroupState::kEmpty;
  return state;
}

}  // namespace warden::internal

#include "lib/supervise/group.h"

#include <errno.h>
#include <signal.h>

#include <set>
#include <utility>

#include "lib/os/sys_fd.h"

namespace warden::internal {
namespace {

using Stage = Leader::Stage;

// After how many looks at a group of which no member was ever seen, none of which could be believed, a mark is asked.
constexpr int kMostUnbelievedLooks = 5;

// How often SIGKILL looks for members that were born since it went to the others.
constexpr int kMostKillRounds = 10;

}  // namespace

void Group::begin(const Lock&, bool is_led) {
  is_led_ = is_led;
  if (is_led && pidfd() >= 0 && !leader_.has_group_signals()) {
    // The mark goes by number: it counts if the child had that number afterwards.
    is_marked_ = sys_.mark_group(pidfd(), number()) && sys_.look(leader_.id(), Reap::kLeave).error != ECHILD;
  }
}

bool Group::mark_tells_of_life() const { return is_marked_ && sys_.marked_group_exists(pidfd()); }

// By the leader, or by a member of its group.
bool Group::number_is_ours(const Lock& lock) { return leader_.has_number(lock) || mark_tells_of_life(); }

int Group::send_to_all(const Lock& lock, int signal) {
  if (leader_.has_group_signals()) return -sys_.pidfd_kill_group(pidfd(), signal);
  if (!leader_.has_number(lock)) return mark_tells_of_life() ? send_to_members(lock, signal) : ESRCH;
  const int error = -sys_.kill_group(number(), signal);
  if (error == 0 && signal == SIGKILL) was_killed_ = true;
  return error;
}

// Each through a pidfd of its own, if it is a member while the number is the group's. As kill(2) of a group: a success
// when one was signalled. SIGKILL goes on to those who are born meanwhile, for some rounds.
int Group::send_to_members(const Lock& lock, int signal) {
  int error = ESRCH;
  std::set<std::pair<int, std::uint64_t>> known;
  for (int round = 0; round < (signal == SIGKILL ? kMostKillRounds : 1); ++round) {
    bool found = false;
    ProcessTable table(sys_);
    for (const Member& member : table.group(number()).live) {
      if (!known.emplace(member.pid, member.start_time).second) continue;
      found = true;
      const int sent = send_to_member(lock, member, signal);
      if (sent == 0 || error == ESRCH) error = sent;
    }
    if (!found) break;
  }
  return error;
}

int Group::send_to_member(const Lock& lock, const Member& member, int signal) {
  const SysFd opened(sys_, sys_.pidfd_open(member.pid));
  if (opened.get() < 0) return ESRCH;
  const bool is_ours = is_still_member(sys_, member, number()).value_or(false) && number_is_ours(lock);
  return is_ours ? -sys_.pidfd_kill_process(opened.get(), signal) : ESRCH;
}

int Group::send(const Lock& lock, AttemptTarget target, int signal) {
  if (leader_.stage(lock) < Stage::kRunning) return ESRCH;
  const bool to_all = target == AttemptTarget::kGroup && is_led_ && !is_ours(lock);
  const int error = to_all ? send_to_all(lock, signal) : leader_.send(lock, signal);
  const bool can_end = signal != 0 && signal != SIGCONT;
  if (error == 0 && can_end && leader_.stage(lock) == Stage::kRunning) sent_ |= mask_of(signal);
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
  if (leader_.has_group_signals()) {
    is_empty_ = sys_.pidfd_kill_group(pidfd(), 0) == -ESRCH;
  } else if (is_marked_ && !number_is_ours(lock)) {
    is_empty_ = true;
  }
  return !is_empty_;
}

// The processes that live in the group, as /proc says. The zombie that pins a group keeps its mark from telling that
// everybody else has gone. Where /proc cannot be believed because processes always end while it is read, the zombie is
// let go and the mark asked: if a member was there all the same, the mark says so, and keeps telling. But the zombie's
// number is what reaches all of a group that forks at once, so it is kept while there may be such a group (ADR 5).
GroupScan Group::scan(const Lock& lock, ProcessTable& table) {
  GroupScan found = table.group(number());
  if (!found.live.empty()) member_was_seen_ = true;
  if (!found.never_still || !is_marked_ || leader_.stage(lock) != Stage::kPinned) return found;
  ++unbelieved_looks_;
  const bool looks_deserted = !member_was_seen_ && unbelieved_looks_ >= kMostUnbelievedLooks;
  if (!looks_deserted && !was_killed_) return found;
  leader_.collect(lock);
  return may_live(lock) ? found : GroupScan{true, {}};
}

GroupState Group::look(const Lock& lock, ProcessTable& table, std::vector<Member>* live) {
  live->clear();
  if (!may_live(lock)) return GroupState::kEmpty;
  GroupScan found = scan(lock, table);
  // Found members count only if the number was still the group's when the scan was over; if it was not, and the kernel
  // tells, nobody is left.
  if ((leader_.has_group_signals() || is_marked_) && !may_live(lock)) return GroupState::kEmpty;
  if (!found.live.empty() && (leader_.has_group_signals() || number_is_ours(lock))) {
    *live = std::move(found.live);
    return GroupState::kLive;
  }
  // The kernel has just said that a process is there: /proc must show it, if only as a corpse, or /proc hides it.
  const bool is_told = leader_.has_group_signals() || (is_marked_ && leader_.stage(lock) != Stage::kPinned);
  if (!found.known || !found.live.empty() || (is_told && !table.has_corpse_of(number()))) return GroupState::kUnknown;
  is_empty_ = true;
  return GroupState::kEmpty;
}

}  // namespace warden::internal

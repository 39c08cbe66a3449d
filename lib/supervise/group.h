// The child's process group: who is in it besides the leader, and every signal to it.
#ifndef WARDEN_LIB_SUPERVISE_GROUP_H_
#define WARDEN_LIB_SUPERVISE_GROUP_H_

#include <errno.h>

#include <map>
#include <string>
#include <vector>

#include "lib/os/process_table.h"
#include "lib/os/sys.h"
#include "lib/supervise/leader.h"
#include "lib/supervise/scope.h"

namespace warden::internal {

// Thread-safe: a method with a Lock needs the child's lock.
//
// Where somebody else takes the zombie that pins the group's number, a mark on the pidfd tells whether the group is
// still there (Linux 5.12), and its members are signalled one by one.
class Group final : public Scope {
 public:
  Group(Sys& sys, Leader& leader) : sys_(sys), leader_(leader) {}

  // The leader has begun.
  void begin(const Lock& lock, bool is_led);
  // Whether the child leads a group. If not, it is alone here.
  bool is_led() const { return is_led_; }

  // Sends to the group, or to the leader alone, as also in place of a group that this process is in: 0 or an errno. The
  // leader's number is never used once it may be somebody else's: a leader that has ended takes no signal (success), a
  // group that cannot be named any more gives ESRCH.
  int send(const Lock& lock, AttemptTarget target, int signal, std::string* detail = nullptr) override;
  bool is_ours(const Lock& lock) const override;
  bool leader_has_moved(const Lock& lock) const override;

  Containment containment() const override { return Containment::kGroup; }
  AttemptTarget target() const override { return AttemptTarget::kGroup; }
  bool has_others() const override { return is_led_; }

  // False when there is no group, or the kernel says that it is empty.
  bool may_live(const Lock& lock) override;
  bool needs_table(const Lock& lock) override { return may_live(lock); }
  // Whether anybody lives in the group besides the leader that has ended, and who. kEmpty is final. A member that an
  // earlier look has seen and that lives elsewhere may come back: it counts as gone at the second look in a row that
  // finds it outside. Reads /proc once at most. `table`: a reading of /proc, none of it from before the leader's end.
  // REQUIRES: the leader has ended.
  GroupState look(const Lock& lock, ProcessTable& table, std::vector<Member>* live) override;
  // Nobody will need its number.
  bool is_done(const Lock&) const override { return !is_led_ || is_empty_; }

 private:
  int number() const { return leader_.process().pid(); }
  int pidfd() const { return leader_.process().pidfd(); }
  bool is_told_by_pidfd() const { return probe_error_ != ENOSYS; }
  bool is_marked() const { return is_marked_ && leader_.process().has_own_pidfd(); }
  bool mark_tells_of_life() const;
  bool number_is_ours(const Lock& lock);
  int send_by_pidfd(int signal) const;
  int send_to_all(const Lock& lock, int signal);
  int send_to_members(const Lock& lock, int signal);
  int send_to_member(const Lock& lock, const Member& member, int signal);
  void kill_unkilled(const Lock& lock, const std::vector<Member>& live);
  void remember(const std::vector<Member>& live, ProcessTable& table);
  GroupScan scan(const Lock& lock, ProcessTable& table);
  bool is_told_of_hidden(const std::vector<int>& corpses) const;
  GroupState look_for_strays(ProcessTable& table, std::vector<Member>* live);

  Sys& sys_;
  Leader& leader_;
  bool is_led_ = true;
  bool is_empty_ = false;
  int probe_error_ = ENOSYS;      // of the last signal 0 by the pidfd; ENOSYS: that way is refused
  bool is_marked_ = false;        // the pidfd, while it is that very file, tells whether the group is there
  bool member_was_seen_ = false;  // alive, after the leader's end
  bool was_killed_ = false;       // SIGKILL went to the whole of it
  int unsettled_looks_ = 0;
  std::vector<Member> signalled_;  // one by one, by the last signal
  bool kills_one_by_one_ = false;  // SIGKILL goes to each member that a look finds
  struct Sighting {
    std::string program;
    bool is_outside = false;  // at the last look
    bool is_killed = false;   // SIGKILL went to it alone
  };
  std::map<ProcessIdentity, Sighting> seen_;  // members that lived after the leader's end
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_GROUP_H_

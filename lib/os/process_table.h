// Who is in a process group, as /proc tells.
#ifndef WARDEN_LIB_OS_PROCESS_TABLE_H_
#define WARDEN_LIB_OS_PROCESS_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/os/sys.h"

namespace warden::internal {

// The fields of /proc/<pid>/stat that count here (proc(5)).
struct ProcessStat {
  std::string program;
  char state = '?';
  int group = 0;
  int thread_count = 0;
  std::uint64_t start_time = 0;  // tells the process from a later one that has its number

  // Dead is a zombie (Z) or a task on its way out (X) that is the last thread: a process whose main thread has exited
  // shows Z and lives on in the others.
  bool is_dead() const { return (state == 'Z' || state == 'X') && thread_count <= 1; }
};

std::optional<ProcessStat> parse_stat(std::string_view text);

struct Member {
  int pid = 0;
  std::string program;
  std::uint64_t start_time = 0;
};

struct GroupScan {
  bool known = false;  // false when /proc is missing, hides processes, cannot be read or changes all the time
  std::vector<Member> live;
  bool never_still = false;  // not known, because of the last
};

// The live processes by their groups. /proc is read at the first question; one table serves the groups of any number of
// children, all of whose leaders have ended before that.
//
// A group that forks all the time can look empty: whoever was listed is dead when it is read, and whoever that had
// forked is not in the list. But the list goes by ascending numbers, so one who was alive is in it; and who is dead or
// gone after it, and was so before it, has forked nobody since. So an empty group counts only if nobody died between
// being listed and being read, among those who may have been in it. Else /proc is read again.
class ProcessTable {
 public:
  explicit ProcessTable(Sys& sys) : sys_(sys) {}

  GroupScan group(int pgid);
  // Whether the last reading has shown a dead member.
  bool has_corpse_of(int pgid) const { return groups_of_corpses_.count(pgid) != 0; }
  bool was_read() const { return readings_ > 0; }

 private:
  void read();
  void read_proc();
  bool may_have_missed(int pgid) const;

  Sys& sys_;
  int readings_ = 0;
  bool known_ = true;  // every process could be read
  std::map<int, std::vector<Member>> groups_;
  // Of the last reading:
  std::set<int> groups_of_corpses_;
  std::set<int> read_;                // whose stat was read
  std::map<int, int> fresh_corpses_;  // who may have died during it, with its group; 0 where that is not known
  bool numbers_wrapped_ = false;      // the list need not have everybody
};

// Whether the process that was found is still alive and of that group; empty when /proc cannot be read just now.
std::optional<bool> is_still_member(Sys& sys, const Member& member, int pgid);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PROCESS_TABLE_H_

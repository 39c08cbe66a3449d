// The live members of process groups, from /proc.
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

// The fields of /proc/<pid>/stat that we use (proc(5)).
struct ProcessStat {
  std::string program;
  char state = '?';
  int group = 0;
  int thread_count = 0;
  std::uint64_t start_time = 0;  // tells the process from a later one that has its number

  // True of a zombie (Z) or a task on its way out (X) that is the last thread. A process whose main thread has exited
  // shows Z, too, and lives on in the others.
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
  bool never_still = false;  // not known because /proc changes all the time
};

// The live processes by their groups. The first question reads /proc; one table serves the groups of any number of
// children, all of whose leaders have ended before that.
//
// A group that forks all the time can look empty: a listed process is dead when its stat is read, and the process that
// it has forked is not in the list. But the kernel lists by ascending numbers, so a process that was alive is in the
// list; and a process that is dead or gone after the list, and was so before it, has forked nothing since. So a group
// counts as empty only if no process that may have been in it died between being listed and being read. Else the table
// reads /proc again.
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
  std::set<int> read_;                // processes whose stat was read
  std::map<int, int> fresh_corpses_;  // may have died during it, with their group; 0 when not known
  bool numbers_wrapped_ = false;      // the list may lack processes
};

// Whether the member is still alive and in that group; empty when /proc cannot be read just now.
std::optional<bool> is_still_member(Sys& sys, const Member& member, int pgid);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PROCESS_TABLE_H_

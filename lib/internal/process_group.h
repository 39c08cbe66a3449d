// Who is in a process group, as /proc tells.
#ifndef WARDEN_LIB_INTERNAL_PROCESS_GROUP_H_
#define WARDEN_LIB_INTERNAL_PROCESS_GROUP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/internal/sys.h"

namespace warden::internal {

// The fields of /proc/<pid>/stat that count here (proc(5)).
struct ProcessStat {
  std::string program;
  char state = '?';
  int group = 0;
  int thread_count = 0;
  std::uint64_t start_time = 0;

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
  bool known = false;  // false when /proc is missing, hides processes or cannot be read
  std::vector<Member> live;
};

// The live processes by their groups. /proc is read at the first question; one table serves the groups of any number of
// children, all of whose leaders have ended before that.
//
// A process that is born during a reading may have a number that the reading has passed, and its parent may be gone
// before the reading comes to it. So an empty group counts only if nobody was born meanwhile, or if a second reading
// finds it empty too.
class ProcessTable {
 public:
  explicit ProcessTable(Sys& sys) : sys_(sys) {}

  GroupScan group(int pgid);
  bool was_read() const { return readings_ > 0; }

 private:
  void read();

  Sys& sys_;
  int readings_ = 0;
  bool known_ = true;     // every process could be read
  bool complete_ = true;  // nobody was born during the last reading
  std::map<int, std::vector<Member>> groups_;
};

// Whether the process that was found is still alive and of that group; empty when /proc cannot be read just now.
std::optional<bool> is_still_member(Sys& sys, const Member& member, int pgid);

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_PROCESS_GROUP_H_

// The live members of process groups, from /proc.
#ifndef WARDEN_LIB_OS_PROCESS_TABLE_H_
#define WARDEN_LIB_OS_PROCESS_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/os/sys.h"

namespace warden::internal {

// The fields of /proc/<pid>/stat that we use (proc(5)).
struct ProcessStat {
  std::string program;
  char state = '?';
  int parent = 0;
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
  bool known = false;  // false when /proc is missing, hides processes or cannot be read
  std::vector<Member> live;
  bool is_unsettled = false;  // not known from this reading; the next one may tell
};

// A process by its number and start time.
using ProcessIdentity = std::pair<int, std::uint64_t>;

// The live processes by their groups. One reading of /proc serves the groups of any number of children, all of whose
// leaders have ended before it.
//
// A reading shows whoever lives in a group at its end, even of a group that forks all the time. The kernel gives
// numbers in ascending order. The reading first visits the processes above the newest number, which are old ones of an
// earlier turn, and then all in ascending order, each before it looks for the next: an old one, too, where its number
// may have been given again by then. A process that lives at the end was either there before, and was visited alive; or
// its number was not passed yet at its birth; or its parent, which lived then, was visited alive. That does not hold
// where the kernel starts again with low numbers during the reading, nor of a process that changes its group meanwhile.
class ProcessTable {
 public:
  explicit ProcessTable(Sys& sys) : sys_(sys) {}

  // Reads /proc, unless it has since renew().
  GroupScan group(int pgid);
  // The dead members that the reading has shown.
  std::vector<int> corpses_of(int pgid) const;
  // All live processes that the reading has shown; null where it may lack some. Until the next reading.
  const std::set<ProcessIdentity>* living();
  bool was_read() const { return is_read_; }
  // The next question reads again, and gives up at the deadline.
  void renew(TimePoint deadline = TimePoint::max());

 private:
  void read();
  void read_proc();
  bool visit(int pid, bool* could_read);

  Sys& sys_;
  TimePoint deadline_ = TimePoint::max();
  bool is_read_ = false;
  // Of the last reading:
  bool known_ = false;         // every process could be read
  bool is_unsettled_ = false;  // it may lack processes
  bool has_cursor_ = false;    // it is known whether the numbers started again
  std::map<int, std::vector<Member>> groups_;
  std::map<int, std::vector<int>> corpses_;
  std::optional<std::set<ProcessIdentity>> living_;  // once it was asked for
  // How many readings in a row have found nobody, by each group that was asked for without a cursor.
  std::map<int, int> blind_readings_;
};

// The group that the process is in by now, 0 when it has ended; empty when /proc cannot be read just now.
std::optional<int> current_group(Sys& sys, int pid, std::uint64_t start_time);

// Whether the member is still alive and in that group; empty when /proc cannot be read just now.
std::optional<bool> is_still_member(Sys& sys, const Member& member, int pgid);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PROCESS_TABLE_H_

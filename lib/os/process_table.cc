#include "lib/os/process_table.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace warden::internal {
namespace {

// The fields after the program's name, counted from the state (field 3 of proc(5)).
constexpr std::size_t kState = 0, kGroup = 2, kThreadCount = 17, kStartTime = 19;

// One reading is enough when no process ends meanwhile. On a busy machine /proc may never hold still for so long.
constexpr int kMostReadings = 20;

// Empty when the process is gone; sets `known` to false when it is there and cannot be read.
std::optional<ProcessStat> read_stat(Sys& sys, int pid, bool* known) {
  std::string text;
  const int error = -sys.read_proc(pid, "stat", &text);
  if (error == ENOENT || error == ESRCH) return std::nullopt;
  std::optional<ProcessStat> stat;
  if (error == 0) stat = parse_stat(text);
  if (!stat.has_value()) *known = false;
  if (stat.has_value() && stat->group < 0) return std::nullopt;  // the kernel is releasing it: it has no group any more
  return stat;
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text) {
  // The name is in parentheses, and may contain parentheses.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  const absl::string_view rest(text.data() + close + 1, text.size() - close - 1);
  const std::vector<absl::string_view> fields = absl::StrSplit(rest, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  ProcessStat stat;
  if (fields.size() <= kStartTime || fields[kState].size() != 1) return std::nullopt;
  stat.program = std::string(text.substr(open + 1, close - open - 1));
  stat.state = fields[kState][0];
  if (!absl::SimpleAtoi(fields[kGroup], &stat.group)) return std::nullopt;
  if (!absl::SimpleAtoi(fields[kThreadCount], &stat.thread_count)) return std::nullopt;
  if (!absl::SimpleAtoi(fields[kStartTime], &stat.start_time)) return std::nullopt;
  return stat;
}

void ProcessTable::read() {
  ++readings_;
  sys_.with_free_descriptors([this] { read_proc(); });
}

void ProcessTable::read_proc() {
  const int newest = sys_.newest_pid();
  std::vector<int> pids;
  known_ = sys_.list_processes(&pids);
  if (!known_) return;
  const std::set<int> before = std::exchange(read_, {});
  fresh_corpses_.clear();
  groups_of_corpses_.clear();
  std::map<int, std::vector<Member>> found;
  for (const int pid : pids) {
    const std::optional<ProcessStat> stat = read_stat(sys_, pid, &known_);
    if (stat.has_value()) read_.insert(pid);
    if (stat.has_value() && stat->is_dead()) groups_of_corpses_.insert(stat->group);
    if (stat.has_value() && !stat->is_dead()) {
      found[stat->group].push_back({pid, stat->program, stat->start_time});
    } else if (before.count(pid) == 0) {
      fresh_corpses_[pid] = stat.has_value() ? stat->group : 0;
    }
  }
  numbers_wrapped_ = sys_.newest_pid() < newest;
  groups_.merge(found);  // a member of an earlier reading counts as still there
}

bool ProcessTable::may_have_missed(int pgid) const {
  return numbers_wrapped_ || std::any_of(fresh_corpses_.begin(), fresh_corpses_.end(), [pgid](const auto& corpse) {
           return corpse.first != pgid && (corpse.second == pgid || corpse.second == 0);
         });
}

GroupScan ProcessTable::group(int pgid) {
  if (readings_ == 0) read();
  for (;;) {
    const auto found = groups_.find(pgid);
    if (found != groups_.end()) return {known_, found->second};
    if (!known_ || !may_have_missed(pgid)) return {known_, {}};
    if (readings_ == kMostReadings) return {false, {}, /*never_still=*/true};
    read();
  }
}

std::optional<bool> is_still_member(Sys& sys, const Member& member, int pgid) {
  bool known = true;
  const std::optional<ProcessStat> stat = read_stat(sys, member.pid, &known);
  if (!known) return std::nullopt;
  return stat.has_value() && stat->group == pgid && stat->start_time == member.start_time && !stat->is_dead();
}

}  // namespace warden::internal

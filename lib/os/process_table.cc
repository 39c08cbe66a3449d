#include "lib/os/process_table.h"

#include <errno.h>

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace warden::internal {
namespace {

// The fields after the program's name, counted from the state (field 3 of proc(5)).
constexpr std::size_t kState = 0, kParent = 1, kGroup = 2, kThreadCount = 17, kStartTime = 19;

// How many readings in a row have to find nobody where /proc does not tell whether the numbers have started again. With
// 500 numbers in all, and a group that forks at full speed, one reading in fifty has missed it.
constexpr int kMostBlindReadings = 5;

// How often a process without a group is read. It has none for a moment while another of its threads executes and takes
// over its number, and when the kernel releases it.
constexpr int kMostReadingsOfOne = 10;

// Empty when the process is gone; sets `known` to false when it is there and cannot be read.
std::optional<ProcessStat> read_stat(Sys& sys, int pid, bool* known) {
  for (int reading = 0; reading < kMostReadingsOfOne; ++reading) {
    std::string text;
    const int error = -sys.read_proc(pid, "stat", &text);
    if (error == ENOENT || error == ESRCH) return std::nullopt;
    std::optional<ProcessStat> stat;
    if (error == 0) stat = parse_stat(text);
    if (!stat.has_value()) *known = false;
    if (!stat.has_value() || stat->group >= 0) return stat;
  }
  return std::nullopt;
}

// Of the visits to one process, the first stays.
void forget_second_visits(std::vector<Member>* members) {
  const auto identity = [](const Member& member) { return ProcessIdentity(member.pid, member.start_time); };
  std::sort(members->begin(), members->end(),
            [&](const Member& a, const Member& b) { return identity(a) < identity(b); });
  const auto is_same = [&](const Member& a, const Member& b) { return identity(a) == identity(b); };
  members->erase(std::unique(members->begin(), members->end(), is_same), members->end());
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
  if (!absl::SimpleAtoi(fields[kParent], &stat.parent)) return std::nullopt;
  if (!absl::SimpleAtoi(fields[kGroup], &stat.group)) return std::nullopt;
  if (!absl::SimpleAtoi(fields[kThreadCount], &stat.thread_count)) return std::nullopt;
  if (!absl::SimpleAtoi(fields[kStartTime], &stat.start_time)) return std::nullopt;
  return stat;
}

void ProcessTable::renew(TimePoint deadline) {
  is_read_ = false;
  deadline_ = deadline;
}

void ProcessTable::read() {
  known_ = false;
  is_read_ = true;
  groups_.clear();
  corpses_.clear();
  living_.reset();
  sys_.with_free_descriptors([this] { read_proc(); });
  for (auto& [group, readings] : blind_readings_) {
    readings = known_ && !is_unsettled_ && groups_.count(group) == 0 ? readings + 1 : 0;
  }
}

bool ProcessTable::visit(int pid, bool* could_read) {
  if (sys_.now() > deadline_) return false;
  const std::optional<ProcessStat> stat = read_stat(sys_, pid, could_read);
  if (stat.has_value() && stat->is_dead()) corpses_[stat->group].push_back(pid);
  if (stat.has_value() && !stat->is_dead()) groups_[stat->group].push_back({pid, stat->program, stat->start_time});
  return true;
}

void ProcessTable::read_proc() {
  const std::optional<PidCursor> before = sys_.pid_cursor(PidCursorOrder::kForksFirst);
  bool could_read = true;
  const int newest = before.has_value() ? before->newest : std::numeric_limits<int>::max();
  const bool is_whole = sys_.visit_processes(newest, [&](int pid) { return visit(pid, &could_read); });
  const std::optional<PidCursor> after = sys_.pid_cursor(PidCursorOrder::kNewestFirst);
  has_cursor_ = before.has_value() && after.has_value();
  is_unsettled_ = (!is_whole && sys_.now() > deadline_) || (has_cursor_ && may_have_started_again(*before, *after));
  known_ = could_read && (is_whole || is_unsettled_);
  for (auto& [group, members] : groups_) forget_second_visits(&members);
}

GroupScan ProcessTable::group(int pgid) {
  if (!is_read_) read();
  const auto found = groups_.find(pgid);
  if (found != groups_.end()) return {known_, found->second, false};
  bool is_believed = !is_unsettled_;
  if (is_believed && !has_cursor_)
    is_believed = blind_readings_.try_emplace(pgid, 1).first->second >= kMostBlindReadings;
  return {known_ && is_believed, {}, known_ && !is_believed};
}

const std::set<ProcessIdentity>* ProcessTable::living() {
  if (!known_ || is_unsettled_) return nullptr;
  if (!living_.has_value()) {
    living_.emplace();
    for (const auto& [group, members] : groups_) {
      for (const Member& member : members) living_->emplace(member.pid, member.start_time);
    }
  }
  return &*living_;
}

std::vector<int> ProcessTable::corpses_of(int pgid) const {
  const auto found = corpses_.find(pgid);
  return found == corpses_.end() ? std::vector<int>() : found->second;
}

std::optional<int> current_group(Sys& sys, int pid, std::uint64_t start_time) {
  bool known = true;
  const std::optional<ProcessStat> stat = read_stat(sys, pid, &known);
  if (!known) return std::nullopt;
  const bool lives = stat.has_value() && stat->start_time == start_time && !stat->is_dead();
  return lives ? stat->group : 0;
}

std::optional<bool> is_still_member(Sys& sys, const Member& member, int pgid) {
  const std::optional<int> group = current_group(sys, member.pid, member.start_time);
  return group.has_value() ? std::optional<bool>(*group == pgid) : std::nullopt;
}

}  // namespace warden::internal

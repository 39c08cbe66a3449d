// What the simulated kernel shows in /proc.
#include <errno.h>

#include <functional>
#include <utility>
#include <vector>

#include "lib/os/process_visits.h"
#include "test/fake/fake_sys.h"

namespace warden::internal {

using State = FakeProcess::State;

void FakeSys::with_free_descriptors(const std::function<void()>& work) { work(); }

FakeProcess* FakeSys::find_listed_after(int pid) {
  FakeProcess* next = nullptr;
  for (FakeProcess& process : processes_) {
    const bool is_listed = process.state != State::kGone && !process.hidden && process.pid > pid;
    if (is_listed && (next == nullptr || process.pid < next->pid)) next = &process;
  }
  return next;
}

bool FakeSys::visit_one(int pid, const std::function<bool(int pid)>& visit) {
  const auto before = before_visit.find(pid);
  if (before != before_visit.end()) {
    const std::function<void()> event = std::move(before->second);
    before_visit.erase(before);
    event();
  }
  return visit(pid);
}

bool FakeSys::visit_processes(int newest, const std::function<bool(int pid)>& visit) {
  const int failure = take_failure(Call::kListProcesses);
  record(Call::kListProcesses, 0, 0, -failure);
  if (!proc_visible || failure != 0) return false;
  ProcessVisits visits;
  visits.list = [this](std::vector<int>* pids) {
    for (const FakeProcess* next = find_listed_after(0); next != nullptr; next = find_listed_after(next->pid)) {
      pids->push_back(next->pid);
    }
    return true;
  };
  std::vector<int> pids;
  visits.list(&pids);
  visits.visit_from = [this, most = 2 * processes_.size() + 1000](int first, const VisitProcess& visit_next) mutable {
    for (const FakeProcess* next = find_listed_after(first - 1); next != nullptr;) {
      const int pid = next->pid;
      if (most-- == 0 || !visit_next(pid)) return false;
      next = find_listed_after(pid);
    }
    return true;
  };
  visits.newest = [this] { return pid_cursor(PidCursorOrder::kNewestFirst)->newest; };
  return visit_in_order(visits, pids, newest, [&](int pid) { return visit_one(pid, visit); });
}

void FakeSys::never_settle() {
  before_visit[1] = [this] {
    --newest_pid_shift;
    never_settle();
  };
}

// Every added process has had a number; which numbers they were does not matter.
std::optional<PidCursor> FakeSys::pid_cursor(PidCursorOrder order) {
  if (!proc_visible || !has_pid_cursor) return std::nullopt;
  const int given = static_cast<int>(processes_.size());
  PidCursor cursor{kLeaderPid + given + newest_pid_shift, static_cast<std::uint64_t>(given) + more_forks, pid_turn};
  more_forks += forks_within;
  if (order == PidCursorOrder::kNewestFirst) cursor.forks += forks_within;
  return cursor;
}

int FakeSys::read_proc(int pid, const char* name, std::string* text) {
  if (before_read) before_read(pid);
  const FakeProcess* process = find(pid);
  advance_clock(time_of_reading_one);
  int error = take_failure(Call::kReadProc);
  if (static_cast<int>(pidfds_.size()) - 1 > most_pidfds_with_proc) error = EMFILE;
  if (error == 0 && (process == nullptr || process->hidden)) error = ENOENT;
  if (error == 0) *text = process->proc_file(name);
  return record(Call::kReadProc, pid, 0, -error);
}

int FakeSys::get_process_group(int pid) {
  if (pid == 0) return record(Call::kGetProcessGroup, pid, 0, own_group);
  const FakeProcess* process = find(pid);
  return record(Call::kGetProcessGroup, pid, 0, process == nullptr ? -ESRCH : process->group);
}

}  // namespace warden::internal

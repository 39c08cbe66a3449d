// What the simulated kernel shows in /proc.
#include <errno.h>

#include <functional>
#include <utility>

#include "test/fake/fake_sys.h"

namespace warden::internal {

using State = FakeProcess::State;

void FakeSys::with_free_descriptors(const std::function<void()>& work) { work(); }

bool FakeSys::list_processes(std::vector<int>* pids) {
  const int failure = take_failure(Call::kListProcesses);
  record(Call::kListProcesses, 0, 0, -failure);
  pids->clear();
  if (!proc_visible || failure != 0) return false;
  for (const FakeProcess& process : processes_) {
    if (process.state != State::kGone && !process.hidden) pids->push_back(process.pid);
  }
  if (during_next_listing) std::exchange(during_next_listing, nullptr)();
  return true;
}

// Every added process has had a number; which numbers they were does not matter.
int FakeSys::newest_pid() {
  return proc_visible ? kLeaderPid + static_cast<int>(processes_.size()) + newest_pid_shift : -ENOENT;
}

int FakeSys::read_proc(int pid, const char* name, std::string* text) {
  const FakeProcess* process = find(pid);
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

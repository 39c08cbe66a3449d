// The simulated kernel's record of calls, signals and violations, for the tests.
#include <string.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "test/fake/fake_sys.h"

namespace warden::internal {
namespace {

const char* name_of(FakeSys::Call call) {
  switch (call) {
    case FakeSys::Call::kKillProcess:
      return "kill_process";
    case FakeSys::Call::kKillGroup:
      return "kill_group";
    case FakeSys::Call::kPidfdKillProcess:
      return "pidfd_kill_process";
    case FakeSys::Call::kPidfdKillGroup:
      return "pidfd_kill_group";
    default:
      return "";
  }
}

}  // namespace

std::size_t FakeSys::count(Call call) const {
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(), [call](const Record& record) { return record.call == call; }));
}

std::vector<std::string> FakeSys::signals() const {
  std::vector<std::string> signals;
  for (const Record& record : calls_) {
    if (record.signal == 0) continue;
    const char* error = record.result < 0 ? strerrorname_np(-record.result) : "";
    signals.push_back(absl::StrCat(name_of(record.call), " ", Signal::from_number(record.signal).value().name(),
                                   record.result < 0 ? ": " : "", error));
  }
  return signals;
}

std::vector<std::string> FakeSys::violations() const {
  std::vector<std::string> all = violations_;
  for (const auto& [fd, process] : pidfds_) {
    if (!process->is_child) all.push_back(absl::StrCat("pidfd of ", process->pid, " stays open"));
  }
  for (const auto& [fd, happened] : events_happened_) all.push_back(absl::StrCat("event ", fd, " stays open"));
  return all;
}

}  // namespace warden::internal

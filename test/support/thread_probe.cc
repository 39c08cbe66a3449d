#include "test/support/thread_probe.h"

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/time/clock.h"
#include "test/support/child_probe.h"
#include "test/support/process_snapshot.h"

namespace warden::test_support {
namespace {

bool sleeps_in(int thread, long call) {
  const std::string directory = "/proc/self/task/" + std::to_string(thread);
  long found = -1;
  std::ifstream(directory + "/syscall") >> found;
  std::string stat;
  std::getline(std::ifstream(directory + "/stat"), stat);
  return found == call && stat.find(") S ") != std::string::npos;
}

}  // namespace

bool tells_system_calls() { return ::access("/proc/self/syscall", R_OK) == 0; }

bool wait_until_threads_sleep_in(long call, int threads) {
  const absl::Time give_up = absl::Now() + kBound;
  do {
    int asleep = 0;
    for (const auto& [thread, name] : ProcessSnapshot::take().threads) {
      if (thread != ::gettid() && sleeps_in(thread, call)) ++asleep;
    }
    if (asleep >= threads) return true;
    ::sched_yield();
  } while (absl::Now() < give_up);
  return false;
}

}  // namespace warden::test_support

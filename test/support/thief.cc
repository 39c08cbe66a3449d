#include "test/support/thief.h"

#include <signal.h>
#include <sys/wait.h>

namespace warden::test_support {
namespace {

std::atomic<int> at_work{0};

}  // namespace

Thief::Thief(Way way) : way_(way) {
  ++at_work;
  thread_ = std::thread([this] {
    while (!stop_) {
      if (steal_one()) {
        ++stolen_;
      } else {
        std::this_thread::yield();  // there is no child, or none has ended
      }
    }
  });
}

Thief::~Thief() {
  stop_ = true;
  thread_.join();
  --at_work;
}

bool Thief::is_at_work() { return at_work > 0; }

bool Thief::steal_one() {
  switch (way_) {
    case Way::kPollingWaitpid:
      return ::waitpid(-1, nullptr, WNOHANG) > 0;
    case Way::kEveryKind:
      return ::waitpid(-1, nullptr, WNOHANG | __WALL) > 0;
    case Way::kWait:
      return ::wait(nullptr) > 0;
    case Way::kLookThenWaitid: {
      siginfo_t info = {};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) != 0) return false;
      return ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG) == 0 && info.si_pid > 0;
    }
  }
  return false;
}

void PrintTo(Thief::Way way, std::ostream* out) {
  const char* const names[] = {"PollingWaitpid", "Wait", "LookThenWaitid", "EveryKind"};
  *out << names[static_cast<int>(way)];
}

}  // namespace warden::test_support

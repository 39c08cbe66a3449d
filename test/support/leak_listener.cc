#include "test/support/leak_listener.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace warden::test_support {
namespace {

// The first process of a pid namespace is the one to wait for orphans, which nothing tells from children of its own:
// for all that have ended, and for those that are about to.
void collect_orphans() {
  if (::getpid() != 1) return;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (;;) {
    const pid_t collected = ::waitpid(-1, nullptr, WNOHANG);
    if (collected < 0 || std::chrono::steady_clock::now() >= give_up) return;
    if (collected == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

void LeakListener::OnTestStart(const ::testing::TestInfo&) { before_ = ProcessSnapshot::take(); }

void LeakListener::OnTestEnd(const ::testing::TestInfo& info) {
  collect_orphans();
  for (const std::string& difference : differences_once_settled(before_)) {
    ADD_FAILURE() << info.test_suite_name() << "." << info.name() << " left " << difference;
  }
}

}  // namespace warden::test_support

#include "test/support/leak_listener.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace warden::test_support {
namespace {

// As the first process of a pid namespace, reaps the orphans that have ended or are about to: nothing tells them from
// this process's own children.
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

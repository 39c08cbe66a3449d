// A host that puts a file of its own in the place of a child's pidfd, as programs do that close every descriptor: the
// reaper may wait for that file from then on.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/send_signal.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

enum class State { kAny, kSleeping };

// Whether another thread of this process is in ppoll(2), in that state. That of a sanitizer's runtime is not.
bool other_thread_polls(State state) {
  for (const auto& [tid, name] : ProcessSnapshot::take().threads) {
    const std::string directory = "/proc/self/task/" + std::to_string(tid);
    long call = -1;
    std::ifstream(directory + "/syscall") >> call;
    std::string stat;
    std::getline(std::ifstream(directory + "/stat"), stat);
    const bool sleeps = stat.find(") S ") != std::string::npos;
    if (call == SYS_ppoll && (sleeps || state == State::kAny)) return true;
  }
  return false;
}

std::size_t thread_count() { return ProcessSnapshot::take().threads.size(); }

// A dead child whose reaper waits in ppoll(2) for an empty pipe, which has the number of the child's pidfd. Null where
// the reaper was quicker, and waited for the pidfd.
std::unique_ptr<Child> spawn_with_replaced_pidfd(int pipe) {
  const int pidfd = ::fcntl(pipe, F_DUPFD_CLOEXEC, 3);  // the number that comes next
  ::close(pidfd);
  auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
  EXPECT_EQ(::dup2(pipe, pidfd), pidfd);
  const Pidfd process(child->pid());
  while (!other_thread_polls(State::kAny)) ::sched_yield();
  EXPECT_TRUE(send_signal_by_number(child->pid(), SIGKILL));
  // The death wakes whoever waits for the pidfd before it wakes us.
  EXPECT_TRUE(process.wait_dead());
  const bool waits_for_pipe = other_thread_polls(State::kSleeping);
  EXPECT_EQ(child->try_wait().value(), ExitStatus::signaled(Signal::kill(), false));
  return waits_for_pipe ? std::move(child) : nullptr;
}

TEST(ReplacedPidfd, DoesNotKeepADestructorWaitingAndTheReaperEndsWhenItWakes) {
  run_isolated_unchecked([] {
    const std::size_t threads = thread_count();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::unique_ptr<Child> child;
    for (int tries = 0; child == nullptr; ++tries) {
      ASSERT_LT(tries, 1000);
      while (thread_count() > threads) ::sched_yield();
      child = spawn_with_replaced_pidfd(ends[0]);
    }
    child = nullptr;  // would wait for ever
    EXPECT_TRUE(other_thread_polls(State::kSleeping));
    ::close(ends[1]);
    while (thread_count() > threads) ::sched_yield();
  });
}

}  // namespace
}  // namespace warden::test_support

// A host that puts a file of its own in the place of a child's pidfd, as programs do that close every descriptor: the
// reaper may wait for that file from then on.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/send_signal.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

std::vector<std::string> names_in(const char* path) {
  std::vector<std::string> names;
  DIR* const directory = ::opendir(path);
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  ::closedir(directory);
  return names;
}

// The number of the only pidfd of this process.
int find_pidfd() {
  for (const std::string& name : names_in("/proc/self/fd")) {
    char target[64] = "";
    if (::readlink(("/proc/self/fd/" + name).c_str(), target, sizeof target - 1) < 0) continue;
    const std::string file = target;
    if (file == "anon_inode:[pidfd]" || file.rfind("pidfd:", 0) == 0) return std::atoi(name.c_str());
  }
  return -1;
}

// Whether another thread of this process waits in ppoll(2). That of a sanitizer's runtime does not.
bool other_thread_polls() {
  for (const std::string& name : names_in("/proc/self/task")) {
    long call = -1;
    std::ifstream("/proc/self/task/" + name + "/syscall") >> call;
    if (call == SYS_ppoll) return true;
  }
  return false;
}

// A child whose reaper waits in ppoll(2) for an empty pipe, which has the number of the child's pidfd. Empty where the
// reaper was quicker, and waits for the pidfd.
std::unique_ptr<Child> spawn_with_replaced_pidfd(int pipe) {
  auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
  const int pidfd = find_pidfd();
  EXPECT_GE(pidfd, 0);
  const bool was_late = other_thread_polls();
  EXPECT_EQ(::dup2(pipe, pidfd), pidfd);
  if (was_late || other_thread_polls()) {
    EXPECT_TRUE(send_signal_by_number(child->pid(), SIGKILL));
    EXPECT_TRUE(child->wait().has_value());
    return nullptr;
  }
  while (!other_thread_polls()) ::sched_yield();
  return child;
}

TEST(ReplacedPidfd, DoesNotKeepADestructorWaitingAndTheReaperEndsWhenItWakes) {
  run_isolated_unchecked([] {
    const std::size_t threads = names_in("/proc/self/task").size();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::unique_ptr<Child> child;
    for (int tries = 0; child == nullptr; ++tries) {
      ASSERT_LT(tries, 100);
      child = spawn_with_replaced_pidfd(ends[0]);
    }
    const Pidfd process(child->pid());
    ASSERT_TRUE(send_signal_by_number(child->pid(), SIGKILL));
    ASSERT_TRUE(process.wait_dead());
    EXPECT_EQ(child->try_wait().value(), ExitStatus::signaled(Signal::kill(), false));
    EXPECT_TRUE(other_thread_polls());
    child = nullptr;  // would block for ever
    EXPECT_TRUE(other_thread_polls());
    ::close(ends[1]);
    while (names_in("/proc/self/task").size() > threads) ::sched_yield();
  });
}

}  // namespace
}  // namespace warden::test_support

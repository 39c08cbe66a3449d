// A host that puts a file of its own in the place of a child's pidfd while the reaper waits for that: the reaper sleeps
// on.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/send_signal.h"
#include "test/support/thread_probe.h"
#include "test/support/unseen_calls.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

// A child whose pidfd the host replaces by a pipe that is never readable, once the reaper waits for it.
std::unique_ptr<Child> spawn_and_replace_pidfd() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const int pidfd = ::fcntl(ends[0], F_DUPFD_CLOEXEC, 3);  // the number that comes next
  close_unseen(pidfd);
  auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
  child->detach_on_destruction();
  EXPECT_TRUE(wait_until_threads_sleep_in(SYS_ppoll));
  EXPECT_TRUE(replace_unseen(pidfd, ends[0]));
  return child;
}

TEST(ReplacedPidfd, KeepsNeitherADestructorWaitingNorTheZombieOfAChildThatHasEnded) {
  if (!tells_system_calls()) GTEST_SKIP() << "this kernel has no /proc/PID/syscall";
  run_isolated_unchecked([] {
    auto child = spawn_and_replace_pidfd();
    const Pidfd process(child->pid());
    ASSERT_TRUE(send_signal_by_number(child->pid(), SIGKILL));
    ASSERT_TRUE(process.wait_dead());
    child = nullptr;
    EXPECT_TRUE(process.wait_reaped());
  });
}

TEST(ReplacedPidfd, KeepsNotTheZombieOfAChildThatEndsAfterItsHandle) {
  if (!tells_system_calls()) GTEST_SKIP() << "this kernel has no /proc/PID/syscall";
  run_isolated_unchecked([] {
    auto child = spawn_and_replace_pidfd();
    const int pid = child->pid();
    const Pidfd process(pid);
    child = nullptr;
    EXPECT_FALSE(process.is_dead());
    ASSERT_TRUE(send_signal_by_number(pid, SIGKILL));
    EXPECT_TRUE(process.wait_reaped());
  });
}

// On one processor the reaper begins after the handle has gone.
TEST(ReplacedPidfd, KeepsNotTheZombieOfAChildWhoseReaperHasNotBegun) {
  run_isolated_unchecked([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 100; ++i) {
      const int pidfd = ::fcntl(ends[0], F_DUPFD_CLOEXEC, 3);  // the number that comes next
      close_unseen(pidfd);
      auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
      child->detach_on_destruction();
      ASSERT_TRUE(replace_unseen(pidfd, ends[0]));
      const int pid = child->pid();
      const Pidfd process(pid);
      child = nullptr;
      EXPECT_FALSE(process.is_dead());
      ASSERT_TRUE(send_signal_by_number(pid, SIGKILL));
      EXPECT_TRUE(process.wait_reaped());
      close_unseen(pidfd);
    }
  });
}

}  // namespace
}  // namespace warden::test_support

// A host that puts a file of its own in the place of a child's pidfd, as programs do that close every descriptor: the
// reaper may wait for that file from then on.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <memory>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/send_signal.h"
#include "test/support/thread_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

std::size_t thread_count() { return ProcessSnapshot::take().threads.size(); }

TEST(ReplacedPidfd, DoesNotKeepADestructorWaitingAndTheReaperEndsWhenItWakes) {
  run_isolated_unchecked([] {
    const std::size_t threads = thread_count();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const int pidfd = ::fcntl(ends[0], F_DUPFD_CLOEXEC, 3);  // the number that comes next
    ::close(pidfd);
    auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
    const Pidfd process(child->pid());
    ASSERT_TRUE(wait_until_thread_sleeps_in(SYS_ppoll));
    ASSERT_EQ(::dup2(ends[0], pidfd), pidfd);
    ASSERT_TRUE(send_signal_by_number(child->pid(), SIGKILL));
    ASSERT_TRUE(process.wait_dead());
    EXPECT_EQ(child->try_wait().value(), ExitStatus::signaled(Signal::kill(), false));
    child = nullptr;  // would wait for ever
    EXPECT_TRUE(wait_until_thread_sleeps_in(SYS_ppoll));
    ::close(ends[1]);
    while (thread_count() > threads) ::sched_yield();
  });
}

}  // namespace
}  // namespace warden::test_support

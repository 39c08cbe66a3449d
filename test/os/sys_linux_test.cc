// The real kernel behind the Sys interface, as far as it can be tested without a child.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/deadline.h"
#include "lib/os/process_table.h"
#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "test/support/scarce_descriptors.h"

namespace warden::internal {
namespace {

bool list_processes(std::vector<int>* pids) {
  return linux_sys().visit_processes([pids](int pid) {
    pids->push_back(pid);
    return true;
  });
}

// kill(2) takes 0 for the caller's own group, -1 for every process and 1 for init. Signal 0 makes a failing test
// harmless.
TEST(LinuxSysTest, NoSignalIsEverSentToANumberBelowTwo) {
  for (const int id : {1, 0, -1, -2, -1000, std::numeric_limits<int>::min()}) {
    EXPECT_EQ(linux_sys().kill_process(id, 0), -ESRCH) << id;
    EXPECT_EQ(linux_sys().kill_group(id, 0), -ESRCH) << id;
  }
  EXPECT_EQ(linux_sys().kill_process(::getpid(), 0), 0);
  EXPECT_EQ(linux_sys().kill_group(::getpgrp(), 0), 0);
}

TEST(LinuxSysTest, PollEndsAtOnceWhenItsTimeIsOver) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  EXPECT_FALSE(linux_sys().poll_readable(ends, 1, TimePoint::min()));
  EXPECT_FALSE(linux_sys().poll_readable(ends, 1, linux_sys().now()));
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_TRUE(linux_sys().poll_readable(ends, 1, TimePoint::max()));
  EXPECT_TRUE(linux_sys().poll_readable(ends, 1, TimePoint::min()));
}

TEST(LinuxSysTest, OwnStatCanBeReadAndParsed) {
  std::string text;
  ASSERT_EQ(linux_sys().read_proc(::getpid(), "stat", &text), 0);
  const auto stat = parse_stat(text);
  ASSERT_TRUE(stat.has_value()) << text;
  EXPECT_EQ(stat->group, ::getpgrp());
  EXPECT_GE(stat->thread_count, 1);
  EXPECT_FALSE(stat->is_dead());
}

TEST(LinuxSysTest, ProcessThatDoesNotExistCannotBeRead) {
  std::string text;
  EXPECT_EQ(linux_sys().read_proc(std::numeric_limits<int>::max(), "stat", &text), -ENOENT);
}

TEST(LinuxSysTest, ListOfProcessesHoldsOurselvesAndOnlyNumbers) {
  std::vector<int> pids;
  if (!list_processes(&pids)) GTEST_SKIP() << "/proc is hidden here";
  EXPECT_THAT(pids, testing::Contains(::getpid()));
  EXPECT_THAT(pids, testing::Each(testing::Gt(0)));
}

TEST(LinuxSysTest, DescriptorsAreFoundElsewhereWhileTheTableIsFull) {
  NEEDS_A_FULL_TABLE();
  const test_support::ScarceDescriptors full(0);
  std::vector<int> pids;
  std::string text;
  EXPECT_FALSE(list_processes(&pids));
  EXPECT_EQ(linux_sys().read_proc(::getpid(), "stat", &text), -EMFILE);
  linux_sys().with_free_descriptors([&] {
    EXPECT_TRUE(list_processes(&pids));
    EXPECT_EQ(linux_sys().read_proc(::getpid(), "stat", &text), 0);
  });
  EXPECT_THAT(pids, testing::Contains(::getpid()));
  EXPECT_NE(text, "");
  EXPECT_EQ(::fcntl(1, F_DUPFD_CLOEXEC, 0), -1);  // still full: the call closed nothing in this table
}

TEST(LinuxSysTest, WorkElsewhereIsClosedToTheHostsHandlers) {
  NEEDS_A_FULL_TABLE();
  const test_support::ScarceDescriptors full(0);
  sigset_t blocked;
  sigemptyset(&blocked);
  linux_sys().with_free_descriptors([&] { pthread_sigmask(SIG_BLOCK, nullptr, &blocked); });
  for (const int signal : {SIGINT, SIGUSR1, SIGRTMAX}) EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
}

TEST(LinuxSysTest, WorkStaysHereWhileDescriptorsAreFree) {
  const pthread_t self = pthread_self();
  pthread_t worker = {};
  linux_sys().with_free_descriptors([&] { worker = pthread_self(); });
  EXPECT_TRUE(pthread_equal(self, worker));
}

TEST(LinuxSysTest, ProcessThatIsNotAChildOfOursIsSaidToBeSo) {
  EXPECT_EQ(linux_sys().look({::getpid(), -1}, Reap::kLeave).error, ECHILD);
}

}  // namespace
}  // namespace warden::internal

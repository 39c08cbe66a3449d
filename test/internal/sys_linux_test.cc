// The real kernel behind the seam, as far as it can be asked without a child.
#include <errno.h>
#include <unistd.h>

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/internal/deadline.h"
#include "lib/internal/process_group.h"
#include "lib/internal/sys.h"
#include "lib/internal/unique_fd.h"

namespace warden::internal {
namespace {

// kill(2) takes 0 for our own group, -1 for everybody and 1 for init. Signal 0 keeps a failing test harmless.
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
  if (!linux_sys().list_processes(&pids)) GTEST_SKIP() << "/proc is hidden here";
  EXPECT_THAT(pids, testing::Contains(::getpid()));
  EXPECT_THAT(pids, testing::Each(testing::Gt(0)));
}

TEST(LinuxSysTest, ProcessThatIsNotAChildOfOursIsSaidToBeSo) {
  EXPECT_EQ(linux_sys().look({::getpid(), -1}, Reap::kLeave).error, ECHILD);
}

}  // namespace
}  // namespace warden::internal

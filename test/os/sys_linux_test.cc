// The real kernel behind the Sys interface, as far as it can be tested without a child.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
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

constexpr int kNewest = std::numeric_limits<int>::max();

// Whether /proc is our own pid namespace's and shows every process. Not asked of the code under test, whose failure
// must not look like a /proc that hides.
bool is_proc_whole() {
  std::stringstream mounts;
  mounts << std::ifstream("/proc/self/mountinfo").rdbuf();
  char self[16] = "";
  static_cast<void>(::readlink("/proc/self", self, sizeof self - 1));
  return self == std::to_string(::getpid()) && ::access("/proc/1", F_OK) == 0 &&
         mounts.str().find("hidepid=") == std::string::npos;
}

bool list_processes(std::vector<int>* pids) {
  return linux_sys().visit_processes(kNewest, [pids](int pid) {
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
  if (!is_proc_whole()) GTEST_SKIP() << "/proc is hidden here";
  ASSERT_TRUE(list_processes(&pids));
  EXPECT_THAT(pids, ::testing::Contains(::getpid()));
  EXPECT_THAT(pids, ::testing::Each(::testing::Gt(0)));
}

// A process that starts another and ends when it is told to.
class ForkingProcess {
 public:
  ForkingProcess() {
    EXPECT_EQ(::pipe2(order_, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(answer_, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) obey();
  }
  ~ForkingProcess() {
    for (const int fd : {order_[0], order_[1], answer_[0], answer_[1]}) ::close(fd);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  }
  ForkingProcess(const ForkingProcess&) = delete;
  ForkingProcess& operator=(const ForkingProcess&) = delete;

  int pid() const { return pid_; }
  // Returns the number of the other, which ends with this object, when only that one lives.
  int fork_and_end() const {
    int born = -1;
    EXPECT_EQ(::write(order_[1], "f", 1), 1);
    EXPECT_EQ(::read(answer_[0], &born, sizeof born), ssize_t{sizeof born});
    siginfo_t info = {};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
    return born;
  }

 private:
  [[noreturn]] void obey() const {
    ::close(order_[1]);
    char order = 0;
    if (::read(order_[0], &order, 1) != 1) ::_exit(1);
    const int born = ::fork();
    if (born > 0) ::_exit(::write(answer_[1], &born, sizeof born) == ssize_t{sizeof born} ? 0 : 1);
    ::_exit(static_cast<int>(::read(order_[0], &order, 1)));
  }

  int order_[2] = {-1, -1};
  int answer_[2] = {-1, -1};
  int pid_ = -1;
};

// The kernel has looked for the next process already when the last one is visited.
TEST(LinuxSysTest, ProcessThatIsBornDuringAVisitIsVisited) {
  if (!is_proc_whole()) GTEST_SKIP() << "/proc is hidden here";
  for (const bool of_the_last : {true, false}) {
    const ForkingProcess parent;
    const ForkingProcess later;  // has the higher number, as long as they do not start again
    const ForkingProcess& visited = of_the_last ? later : parent;
    int born = -1;
    bool was_visited = false;
    const bool is_whole = linux_sys().visit_processes(kNewest, [&](int pid) {
      if (pid == visited.pid() && born < 0) born = visited.fork_and_end();
      was_visited = was_visited || pid == born;
      return true;
    });
    ASSERT_TRUE(is_whole);
    EXPECT_GT(born, 0);
    if (born > visited.pid()) {
      EXPECT_TRUE(was_visited);
    }
  }
}

// Others may come out of order: those that are born meanwhile.
TEST(LinuxSysTest, VisitsAreInAscendingOrderAndEndWhereTheVisitorWants) {
  const ForkingProcess one;
  const ForkingProcess other;
  std::vector<int> pids;
  if (!is_proc_whole()) GTEST_SKIP() << "/proc is hidden here";
  ASSERT_TRUE(list_processes(&pids));
  const auto place_of = [&pids](int pid) { return std::find(pids.begin(), pids.end(), pid) - pids.begin(); };
  for (const int pid : {::getppid(), ::getpid(), one.pid(), other.pid()}) {
    EXPECT_EQ(std::count(pids.begin(), pids.end(), pid), pid == 0 ? 0 : 1) << pid;
  }
  EXPECT_EQ(place_of(::getpid()) < place_of(one.pid()), ::getpid() < one.pid());
  EXPECT_EQ(place_of(one.pid()) < place_of(other.pid()), one.pid() < other.pid());
  int visits = 0;
  EXPECT_FALSE(linux_sys().visit_processes(kNewest, [&visits](int) {
    ++visits;
    return false;
  }));
  EXPECT_EQ(visits, 1);
  int first = 0;
  linux_sys().visit_processes(one.pid() - 1, [&first](int pid) {
    first = pid;
    return false;
  });
  EXPECT_GE(first, one.pid());
}

// Its number was given before: it may be another process's by the second visit.
TEST(LinuxSysTest, ProcessWhoseNumberIsPassedMeanwhileIsVisitedFirstAndInItsTurn) {
  if (!is_proc_whole()) GTEST_SKIP() << "/proc is hidden here";
  std::optional<ForkingProcess> old;
  std::vector<int> visited;
  const auto have_started_again = [&old] {  // then its number is not passed
    const std::optional<PidCursor> cursor = linux_sys().pid_cursor(PidCursorOrder::kNewestFirst);
    return cursor.has_value() && cursor->newest < old->pid();
  };
  do {
    old.emplace();
    visited.clear();
    ASSERT_TRUE(linux_sys().visit_processes(old->pid() - 1, [&visited](int pid) {
      visited.push_back(pid);
      return true;
    }));
  } while (have_started_again());
  const auto first = std::find(visited.begin(), visited.end(), old->pid());
  ASSERT_NE(first, visited.end());
  EXPECT_THAT(std::vector<int>(visited.begin(), first), ::testing::Each(::testing::Ge(old->pid())));
  EXPECT_EQ(std::count(visited.begin(), visited.end(), old->pid()), 2);
  EXPECT_GT(std::count(visited.begin(), visited.end(), ::getpid()), 0);
}

TEST(LinuxSysTest, PidCursorMovesWithEveryFork) {
  const std::optional<PidCursor> before = linux_sys().pid_cursor(PidCursorOrder::kForksFirst);
  if (!before.has_value()) GTEST_SKIP() << "/proc does not tell here";
  const ForkingProcess process;
  const std::optional<PidCursor> after = linux_sys().pid_cursor(PidCursorOrder::kNewestFirst);
  ASSERT_TRUE(after.has_value());
  EXPECT_GT(after->forks, before->forks);
  EXPECT_GT(after->turn, 0u);
  EXPECT_NE(after->newest, before->newest);
  EXPECT_FALSE(may_have_started_again(*before, *before));
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
  EXPECT_THAT(pids, ::testing::Contains(::getpid()));
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

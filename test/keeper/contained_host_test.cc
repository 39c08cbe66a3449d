// A contained child in hosts that make it hard.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/proc.h"
#include "lib/os/process_table.h"
#include "lib/os/unique_fd.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/keeper_of.h"
#include "test/support/many_files.h"
#include "test/support/pid_namespace.h"
#include "test/support/process_status.h"
#include "test/support/seccomp_filter.h"
#include "test/support/sigchld_disposition.h"
#include "test/support/stranger.h"
#include "test/support/thief.h"
#include "test/support/unseen_calls.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(30);

Command tree_command(const AckPipe& ack, const std::vector<std::string>& mode) {
  return test_command(ack, mode).containment(Containment::kTree);
}

std::set<int> open_descriptors() {
  std::vector<int> numbers;
  internal::list_numbers("/proc/self/fd", &numbers);
  std::set<int> open;
  for (const int fd : numbers) {
    if (::fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

std::vector<int> opened_since(const std::set<int>& before) {
  std::vector<int> opened;
  for (const int fd : open_descriptors()) {
    if (before.count(fd) == 0) opened.push_back(fd);
  }
  return opened;
}

TEST(ContainedHost, HoldsThreeDescriptorsForEachTree) {
  const std::set<int> before = open_descriptors();
  Child child = Child::spawn(test_command({"sleep"}).containment(Containment::kTree)).value();
  const std::vector<int> opened = opened_since(before);
  EXPECT_EQ(opened.size(), 3u) << "of the program, of the keeper, of the socket";
  for (const int fd : opened) EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  child.kill().value();
}

TEST(ContainedHost, ThatIgnoresSigchldGetsTheStatus) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  Child child = Child::spawn(test_command({"exit", "7"}).containment(Containment::kTree)).value();
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(7));
  EXPECT_TRUE(child.terminate_with_report(TerminationPolicy::service(kShort)).has_value());
}

TEST(ContainedHost, WhoseThiefReapsEverythingGetsTheStatus) {
  const Thief thief(Thief::Way::kEveryKind);
  const absl::Time deadline = absl::Now() + kBound;
  for (int i = 0; i < 20 || (thief.stolen() == 0 && absl::Now() < deadline); ++i) {
    AckPipe ack;
    Child child = Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"})).value();
    ack.close_write();
    ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
    const auto ended = child.kill();
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::signaled(Signal::kill(), false));
    EXPECT_TRUE(ack.wait_eof());
  }
  EXPECT_GT(thief.stolen(), 0);
}

// As a daemon does with closefrom(3). The status goes with the socket.
TEST(ContainedHost, ThatHasClosedItsDescriptorsEndsTheTree) {
  run_isolated_unchecked([] {
    AckPipe ack;
    const std::set<int> before = open_descriptors();
    Child child = Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"})).value();
    ack.close_write();
    ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
    for (const int fd : opened_since(before)) close_unseen(fd);
    const auto ended = child.kill();
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST(ContainedHost, WithFilesOfItsOwnAtTheNumbersKeepsThem) {
  run_isolated_unchecked([] {
    AckPipe ack;
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC | O_NONBLOCK), 0);
    const std::set<int> before = open_descriptors();
    Child child = Child::spawn(tree_command(ack, {"stubborn"})).value();
    ack.close_write();
    ASSERT_TRUE(ack.wait_for("ready"));
    const std::vector<int> theirs = opened_since(before);
    for (const int fd : theirs) ASSERT_TRUE(replace_unseen(fd, pipe[1]));
    const auto ended = child.kill();
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_TRUE(ack.wait_eof());
    for (const int fd : theirs) EXPECT_GE(::fcntl(fd, F_GETFD), 0) << "the library has closed it";
    char byte = 0;
    EXPECT_EQ(::read(pipe[0], &byte, 1), -1) << "the library has written to it";
  });
}

// Whether a parent may take descriptors of its child.
bool may_take_from_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const internal::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const bool may = ::syscall(SYS_pidfd_getfd, pidfd.get(), -1, 0) < 0 && errno == EBADF;
  EXPECT_EQ(::kill(child, SIGKILL), 0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  return may;
}

// How many descriptors a process's table has room for.
int table_size(int pid) { return std::stoi(process_status(pid, "FDSize")); }

// A tree of a host with many files is ended, and has none of them. A keeper that cannot do without has had them all.
void expect_gives_none_of_many_files(const std::vector<int>& closed = {}) {
  const bool has_had_them = !may_take_from_child();
  int low[2], high[2];
  ASSERT_EQ(::pipe2(low, O_CLOEXEC), 0);
  AckPipe ack;
  const ManyFiles many;
  ASSERT_EQ(::pipe2(high, O_CLOEXEC), 0);
  for (const int fd : closed) ::close(fd);
  Child child = Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"})).value();
  ack.close_write();
  ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
  EXPECT_EQ(table_size(keeper_of(child)) > kMany, has_had_them);
  for (const auto& pipe : {low, high}) {
    ::close(pipe[1]);
    char byte = 0;
    EXPECT_EQ(::fcntl(pipe[0], F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(::read(pipe[0], &byte, 1), 0) << "somebody else has the other end";
    ::close(pipe[0]);
  }
  EXPECT_FALSE(child.kill().value().exit_code().has_value());
  EXPECT_TRUE(ack.wait_eof());
}

TEST(ContainedHost, WithManyFilesGivesTheTreeNone) {
  run_isolated([] { expect_gives_none_of_many_files(); });
}

TEST(ContainedHost, WithManyFilesButNoStandardInputAndErrorGivesTheTreeNone) {
  run_isolated_unchecked([] { expect_gives_none_of_many_files({STDIN_FILENO, STDERR_FILENO}); });
}

TEST(ContainedHost, WithManyFilesThatTheKeeperMayNotTakeGivesTheTreeNone) {
  run_isolated([] {
    ASSERT_TRUE(refuse_system_calls({{SYS_pidfd_getfd, EPERM}}));
    expect_gives_none_of_many_files();
  });
}

// The keeper has the host's user, and may not look into such a process as that (PR_SET_DUMPABLE).
TEST(ContainedHost, WithManyFilesThatNobodyMayLookIntoGivesTheTreeNone) {
  run_isolated_unchecked([] {
    ASSERT_EQ(::prctl(PR_SET_DUMPABLE, 0), 0);
    expect_gives_none_of_many_files();
  });
}

void expect_ends_tree_when(const std::function<void()>& then, const std::function<void()>& afterwards) {
  AckPipe ack;
  Child child = Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"})).value();
  ack.close_write();
  ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
  then();
  const auto ended = child.terminate_with_report(TerminationPolicy::service(kShort));
  afterwards();
  ASSERT_TRUE(ended.has_value()) << ended.error();
  EXPECT_TRUE(ack.wait_eof());
}

// The undefined sanitizer needs descriptors when it first meets an object of a type: so there is one tree before.
TEST(ContainedHost, ThatIsOutOfDescriptorsEndsTheTree) {
  run_isolated([] {
    expect_ends_tree_when([] {}, [] {});
    std::vector<int> held;
    const auto fill_table = [&] {
      for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) held.push_back(fd);
    };
    expect_ends_tree_when(fill_table, [&] {
      for (const int fd : held) ::close(fd);
    });
  });
}

TEST(ContainedHost, AForkedCopyOfItHasNothingToSay) {
  AckPipe ack;
  Child child = Child::spawn(tree_command(ack, {"handle", "USR1", "3"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  run_isolated_unchecked([&child] {
    EXPECT_EQ(child.kill().error().code, Errc::kNotOwner);
    const Child copy = std::move(child);
  });
  ASSERT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
}

// It holds a copy of the host's end of the socket.
TEST(ContainedHost, ThatEndsWhileAForkedCopyLivesLeavesNothing) {
  AckPipe ack, copy_says, copy_may_go;
  const pid_t host = ::fork();
  if (host == 0) {
    Child child = Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"})).value();
    wait_forked(ack, {"ready", "child ready"});
    if (::fork() == 0) {
      ack.close_write();
      copy_may_go.close_write();
      const std::string said = std::to_string(::getpid()) + "\n";
      if (::write(copy_says.write_fd(), said.data(), said.size()) < 0) ::_exit(1);
      ::_exit(copy_may_go.wait_eof() ? 0 : 1);
    }
    for (;;) ::pause();
  }
  ack.close_write();
  const int copy = std::stoi("0" + copy_says.wait_line());
  ASSERT_GT(copy, 0);
  ASSERT_EQ(::kill(host, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(host, &status, 0), host);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(ack.wait_eof()) << "while the copy lives";
  const Pidfd process(copy);
  EXPECT_FALSE(process.is_dead());
  copy_may_go.close_write();
  EXPECT_TRUE(process.wait_dead());
  ::waitpid(copy, nullptr, 0);  // it is ours where this is the first process of its namespace
}

TEST(ContainedHost, WhoseThreadEndsKeepsTheTree) {
  AckPipe ack;
  std::unique_ptr<Child> child;
  std::thread([&] {
    child =
        std::make_unique<Child>(Child::spawn(tree_command(ack, {"handle", "USR1", "3"}).die_with_parent(true)).value());
    ASSERT_TRUE(ack.wait_for("ready"));
  }).join();
  ASSERT_TRUE(child->send_signal(Signal::user1()).has_value());
  EXPECT_EQ(child->wait().value(), ExitStatus::exited(3));
}

// The number of a program that the keeper has collected is given to a process outside of the tree, which leads a group.
TEST(ContainedHost, TheNumberOfAProgramThatHasEndedMayBeAStrangers) {
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  run_in_pid_namespace([] {
    AckPipe ack;
    Child child = Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn"})).value();
    const int escapee = wait_forked(ack, {"child ready"});
    ack.close_write();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(0));
    const Stranger stranger(child.pid(), /*leads_group=*/true);
    ASSERT_EQ(stranger.pid(), child.pid());
    ASSERT_GT(escapee, 0);
    EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
    const auto ended = child.terminate_with_report(TerminationPolicy::service(kShort));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_TRUE(ack.wait_eof());
    EXPECT_THAT(stranger.signals(), IsEmpty());
  });
}

// The host leads its group, and somebody else is in it.
TEST(ContainedHost, WithAProgramInItsOwnGroupSignalsNobodyElseOfThat) {
  run_isolated_unchecked([] {
    ASSERT_EQ(::setpgid(0, 0), 0);
    AckPipe ack, bystander_ack;
    Child bystander = Child::spawn(test_command(bystander_ack, {"mark", "TERM", "USR1"}).group(false)).value();
    ASSERT_TRUE(bystander_ack.wait_for("ready"));
    Child child =
        Child::spawn(tree_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"}).group(false)).value();
    ack.close_write();
    ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
    ASSERT_TRUE(child.terminate_with_report(TerminationPolicy::service(kShort)).has_value());
    EXPECT_TRUE(ack.wait_eof());
    ASSERT_TRUE(bystander.send_signal(Signal::user1()).has_value());
    EXPECT_EQ(bystander_ack.wait_line(), "got SIGUSR1") << "and nothing before";
    bystander.kill().value();
  });
}

}  // namespace
}  // namespace warden::test_support

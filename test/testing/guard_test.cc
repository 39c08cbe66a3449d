// The guard as its test process sees it: it is hardly there.
#include "lib/testing/guard.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/sigchld_disposition.h"
#include "test/testing/open_files.h"

namespace warden::testing::internal {
namespace {

using ::testing::ElementsAre;
using warden::Child;
using warden::test_support::AckPipe;
using warden::test_support::Pidfd;
using warden::test_support::run_isolated_unchecked;
using warden::test_support::SigchldDisposition;
using warden::test_support::test_command;

std::unique_ptr<Guard> start_guard() { return std::move(Guard::start()).value(); }

Child spawn_sleeper(AckPipe& ack) {
  Child child = Child::spawn(test_command(ack, {"sleep"})).value();
  EXPECT_TRUE(ack.wait_for("ready"));
  return child;
}

std::atomic<int> sigchld_count{0};

TEST(Guard, IsSeenByNoSignalAndByNoWaitOfTheHost) {
  const SigchldDisposition counting([](int) { ++sigchld_count; }, 0);
  std::unique_ptr<Guard> guard = start_guard();
  siginfo_t info = {};
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
  EXPECT_EQ(errno, ECHILD);
  guard.reset();
  EXPECT_EQ(sigchld_count, 0);
}

TEST(Guard, LeavesNothingWhereSigchldIsIgnored) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  const std::unique_ptr<Guard> guard = start_guard();
  const Pidfd process(guard->pid());
  EXPECT_FALSE(process.is_dead());
}

TEST(Guard, IsInASessionOfItsOwnWithNothingOfTheHosts) {
  AckPipe ack;  // a pipe that the guard must not hold
  Child child = spawn_sleeper(ack);
  const std::unique_ptr<Guard> guard = start_guard();
  ASSERT_FALSE(guard->watch(child));  // the guard answers when it is ready
  EXPECT_EQ(::getsid(guard->pid()), guard->pid());
  EXPECT_EQ(::getpgid(guard->pid()), guard->pid());
  EXPECT_EQ(working_directory(guard->pid()), "/");
  EXPECT_THAT(open_files(guard->pid()), ElementsAre(kPidfd, kPidfd, "socket")) << "of the test process, of the child";
  child.kill().value();
}

// Bazel or Ctrl-C sends the guard these signals, too.
TEST(Guard, LivesOnWhenItIsAskedToEnd) {
  AckPipe ack;
  const std::unique_ptr<Guard> guard = start_guard();
  Child child = spawn_sleeper(ack);
  const Pidfd process(guard->pid());
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) ASSERT_TRUE(process.send(signal));
  EXPECT_FALSE(guard->watch(child));
  child.kill().value();
}

TEST(Guard, ForgetsChildrenThatHaveEnded) {
  const std::unique_ptr<Guard> guard = start_guard();
  std::size_t held = 0;
  for (int i = 0; i < 20; ++i) {
    AckPipe ack;
    Child child = spawn_sleeper(ack);
    ASSERT_FALSE(guard->watch(child));
    held = open_files(guard->pid()).size();
    child.kill().value();
  }
  EXPECT_LE(held, 5u);
}

TEST(Guard, HasNothingToWatchOfAChildThatIsGone) {
  const std::unique_ptr<Guard> guard = start_guard();
  Child child = Child::spawn(test_command({"exit", "0"})).value();
  child.wait().value();
  EXPECT_FALSE(guard->watch(child));
}

TEST(Guard, RefusesAHandleThatWasMovedFrom) {
  AckPipe ack;
  const std::unique_ptr<Guard> guard = start_guard();
  Child child = spawn_sleeper(ack);
  Child other = std::move(child);
  EXPECT_EQ(guard->watch(child), warden::Errc::kEmptyHandle);  // NOLINT(bugprone-use-after-move)
  other.kill().value();
}

TEST(Guard, IsTheProcessesThatStartedItAndNoCopys) {
  AckPipe ack;
  std::unique_ptr<Guard> guard = start_guard();
  Child child = spawn_sleeper(ack);
  run_isolated_unchecked([&guard, &child] {
    EXPECT_EQ(guard->watch(child), warden::Errc::kNotOwner);
    guard.reset();
  });
  EXPECT_FALSE(guard->watch(child)) << "it is there as before";
  child.kill().value();
}

TEST(Guard, ThatSomebodyHasKilledSaysSoAndLeavesNothing) {
  AckPipe ack;
  Child child = spawn_sleeper(ack);
  const std::unique_ptr<Guard> guard = start_guard();
  ASSERT_FALSE(guard->watch(child));
  const Pidfd process(guard->pid());
  ASSERT_TRUE(process.send(SIGKILL));
  ASSERT_TRUE(process.wait_dead());
  EXPECT_EQ(guard->watch(child), std::errc::broken_pipe);
  EXPECT_EQ(child.state().kind, warden::ProcessState::Kind::kRunning);
  child.kill().value();
}

TEST(Guard, ThatAForeignWaitHasReapedIsNoHarm) {
  const std::unique_ptr<Guard> guard = start_guard();
  const Pidfd process(guard->pid());
  ASSERT_TRUE(process.send(SIGKILL));
  EXPECT_EQ(::waitpid(guard->pid(), nullptr, __WALL), guard->pid());
}

}  // namespace
}  // namespace warden::testing::internal

// Hosts that reap the library's children: SIGCHLD ignored, SA_NOCLDWAIT, a thread in wait(). Since Linux 6.15 the
// kernel keeps the status for the library; before, it is lost, and the library says so.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/kept_status.h"
#include "test/support/sigchld_disposition.h"
#include "test/support/thief.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

void expect_end(const ExitStatus& status, const ExitStatus& end, int round) {
  EXPECT_TRUE(is_right(status, end)) << status << " and not " << end << " in round " << round;
}

void run_many(int count) {
  for (int i = 0; i < count; ++i) {
    const int code = i % 256;
    Child exiting = Child::spawn(test_command({"exit", std::to_string(code)})).value();
    Child killed = Child::spawn(test_command({"sleep"})).value();
    EXPECT_TRUE(killed.send_signal(Signal::kill()).has_value());
    expect_end(i % 2 == 0 ? exiting.wait().value() : *exiting.wait_for(kBound).value(), ExitStatus::exited(code), i);
    expect_end(killed.wait().value(), ExitStatus::signaled(Signal::kill(), false), i);
  }
}

TEST(IgnoredSigchld, StatusesAreRight) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  run_many(150);
}

TEST(IgnoredSigchld, StatusesAreRightWithNoChildWait) {
  const SigchldDisposition no_zombies(SIG_DFL, SA_NOCLDWAIT);
  run_many(50);
}

TEST(IgnoredSigchld, AStatusThatWasRecoveredHasNoResourceUsage) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  Child child = Child::spawn(test_command({"exit", "0"})).value();
  EXPECT_FALSE(child.wait().value().resource_usage().has_value());
}

TEST(IgnoredSigchld, TerminateEndsTheWholeGroup) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  const absl::Duration timeout = absl::Milliseconds(30);
  AckPipe ack;
  Child stubborn = Child::spawn(test_command(ack, {"stubborn"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  EXPECT_EQ(stubborn.terminate(timeout, timeout).value(), if_kept(ExitStatus::signaled(Signal::kill(), false)));
  Command command = test_command(ack, {"fork", "stubborn", "--", "read", "exit", "2"});
  Child leaving = Child::spawn(command.stdin_from(Stdio::pipe())).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  leaving.close_stdin();  // it ends after spawn() has marked its group (before Linux 6.9)
  ASSERT_TRUE(Pidfd(leaving.pid()).wait_dead());
  EXPECT_EQ(leaving.terminate(timeout, timeout).value(), if_kept(ExitStatus::exited(2)));
  EXPECT_TRUE(grandchild.is_dead());
}

class UnderAThief : public ::testing::TestWithParam<Thief::Way> {
 protected:
  // Runs the rounds, and repeats them until the thief has taken a child: until then they have shown nothing.
  static void run(const std::function<void()>& rounds) {
    const Thief thief(GetParam());
    const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kBound);
    do {
      rounds();
    } while (thief.stolen() == 0 && std::chrono::steady_clock::now() < give_up);
    EXPECT_GT(thief.stolen(), 0);
  }
};

TEST_P(UnderAThief, StatusesAreRight) {
  run([] { run_many(50); });
}

void end_many(int count) {
  for (int i = 0; i < count; ++i) {
    Child child = Child::spawn(test_command({"sleep"})).value();
    const bool gently = i % 2 == 0;
    expect_end(gently ? child.terminate(kBound, kBound).value() : child.kill().value(),
               ExitStatus::signaled(gently ? Signal::interrupt() : Signal::kill(), false), i);
  }
}

TEST_P(UnderAThief, TerminateAndKillWork) {
  run([] { end_many(40); });
}

INSTANTIATE_TEST_SUITE_P(Each, UnderAThief,
                         ::testing::Values(Thief::Way::kPollingWaitpid, Thief::Way::kWait, Thief::Way::kLookThenWaitid,
                                           Thief::Way::kEveryKind),
                         ::testing::PrintToStringParamName());

// Forks a child of the test's own that exits with 7 when its pipe is closed.
pid_t fork_waiting_child(int* write_end) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[1]);
    char end;
    ::_exit(::read(ends[0], &end, 1) == 0 ? 7 : 1);
  }
  ::close(ends[0]);
  *write_end = ends[1];
  return child;
}

// Asks from the child's end on, through the instant in which the kernel has no process any more.
internal::WaitOutcome ask_until_answered(int pidfd) {
  internal::linux_sys().poll_readable(&pidfd, 1, internal::TimePoint::max());
  for (;;) {
    const internal::WaitOutcome asked = internal::linux_sys().exit_info(pidfd);
    if (asked.error != 0 || asked.status.has_value()) return asked;
  }
}

TEST(ExitInfo, IsThereHoweverTheMomentsOfAForeignWaitFall) {
  const Thief thief(Thief::Way::kWait);
  for (int i = 0; i < 300; ++i) {
    int hold = -1;
    const pid_t child = fork_waiting_child(&hold);
    const internal::UniqueFd pidfd(internal::linux_sys().pidfd_open(child));
    ASSERT_GE(pidfd.get(), 0);
    ::close(hold);
    const internal::WaitOutcome asked = ask_until_answered(pidfd.get());
    if (asked.error == ENOTTY) GTEST_SKIP() << "this kernel keeps no status (Linux 6.15)";
    ASSERT_EQ(asked.error, 0) << "child " << i;
    EXPECT_EQ(asked.status, ExitStatus::exited(7));
  }
}

// The library must not reap the host's own children.
TEST(HostChild, KeepsItsStatusForTheHost) {
  const pid_t own = ::fork();
  if (own == 0) ::_exit(77);
  for (int i = 0; i < 20; ++i) {
    Child child = Child::spawn(test_command({"exit", "0"})).value();
    EXPECT_TRUE(child.wait().value().success());
    Child other = Child::spawn(test_command({"sleep"})).value();
    EXPECT_TRUE(other.terminate(kBound, kBound).has_value());
  }
  int encoded = 0;
  ASSERT_EQ(::waitpid(own, &encoded, 0), own);
  EXPECT_TRUE(WIFEXITED(encoded));
  EXPECT_EQ(WEXITSTATUS(encoded), 77);
}

}  // namespace
}  // namespace warden::test_support

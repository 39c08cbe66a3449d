// Child::adopt takes processes that other code started under supervision.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/test_child_path.h"
#include "test/support/thief.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kShort = absl::Milliseconds(30);

bool has_hung_up(const AckPipe& ack) {
  pollfd polled = {ack.read_fd(), 0, 0};
  return ::poll(&polled, 1, 0) == 1;
}

// Starts test_child by plain fork and exec.
int fork_and_exec(const AckPipe& ack, std::vector<std::string> mode, bool own_group) {
  mode.insert(mode.begin(), {test_child_path(), ack.flag()});
  std::vector<char*> arguments;
  for (std::string& argument : mode) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  if (own_group) ::setpgid(0, 0);
  ::fcntl(ack.write_fd(), F_SETFD, 0);
  ::execv(arguments[0], arguments.data());
  ::_exit(99);
}

TEST(Adopt, AGroupLeaderIsEndedWithItsGroup) {
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"fork", "stubborn", "--", "stubborn"}, true);
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  Child child = Child::adopt(pid).value();
  EXPECT_EQ(child.pid(), pid);
  EXPECT_EQ(child.name(), "pid " + std::to_string(pid));
  EXPECT_EQ(child.stdin_fd(), -1);
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kShort)).value();
  EXPECT_EQ(report.status.signal(), Signal::kill());
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGTERM group", "SIGKILL group"));
  EXPECT_TRUE(grandchild.is_dead());
}

// The process is in this program's group, which must stay alive.
TEST(Adopt, AnotherProcessIsEndedAlone) {
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"fork", "sleep", "--", "stubborn"}, false);
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  Child child = Child::adopt(pid).value();
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kShort)).value();
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGTERM leader", "SIGKILL leader"));
  EXPECT_FALSE(grandchild.is_dead());
  ASSERT_TRUE(grandchild.send(SIGKILL));
  EXPECT_TRUE(grandchild.wait_dead());
}

TEST(Adopt, GivesTheStatusOfANaturalEnd) {
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"handle", "USR1", "11"}, true);
  ASSERT_TRUE(ack.wait_for("ready"));
  Child child = Child::adopt(pid).value();
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(11));
}

TEST(Adopt, TakesAZombieWithItsStatus) {
  for (const bool own_group : {false, true}) {
    AckPipe ack;
    const int pid = fork_and_exec(ack, {"exit", "12"}, own_group);
    ASSERT_TRUE(Pidfd(pid).wait_dead());
    {
      Child child = Child::adopt(pid).value();
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(12));
    }
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1) << "it has been collected, before Linux 6.9 at the handle's end";
  }
}

TEST(Adopt, UsesTheNameThatItIsGiven) {
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"sleep"}, true);
  Child child = Child::adopt(pid, {"database"}).value();
  EXPECT_EQ(child.name(), "database");
  EXPECT_TRUE(child.kill().has_value());
}

TEST(Adopt, AnAdoptedChildIsArmed) {
  CapturedLog log;
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"sleep"}, true);
  const Pidfd process(pid);
  { const Child child = Child::adopt(pid, {"forgotten"}).value(); }
  EXPECT_TRUE(process.is_dead());
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records()[0].name, "forgotten");
}

TEST(Adopt, RefusesNumbersThatNoChildHas) {
  for (const int pid : {0, -1, 1, -77}) {
    const auto refused = Child::adopt(pid);
    ASSERT_TRUE(refused.has_error()) << pid;
    EXPECT_EQ(refused.error().code, std::errc::invalid_argument);
    EXPECT_EQ(refused.error().step, SpawnError::Step::kAdopt);
    EXPECT_EQ(refused.error().invalid_argument->field, "pid");
    EXPECT_EQ(refused.error().invalid_argument->reason, "no child has this number");
    EXPECT_EQ(refused.error().invalid_argument->value, std::to_string(pid));
  }
}

TEST(Adopt, RefusesProcessesThatAreNoChildrenOfOurs) {
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"fork", "sleep", "--", "sleep"}, true);
  const int grandchild = wait_forked(ack, {"child ready"});
  for (const int stranger : {grandchild, ::getpid(), 0x3fffffff}) {
    if (stranger == 1) continue;  // this process is the first of a pid namespace; see above
    const auto refused = Child::adopt(stranger);
    ASSERT_TRUE(refused.has_error()) << stranger;
    EXPECT_EQ(refused.error().code, Errc::kNotAChild);
    EXPECT_EQ(refused.error().step, SpawnError::Step::kAdopt);
    EXPECT_EQ(refused.error().subject, std::to_string(stranger));
  }
  EXPECT_EQ(Child::adopt(pid).value().kill().value().signal(), Signal::kill());
}

// A leader that ends after a moment, and leaves a member of its group. Both hold the pipe.
int fork_short_lived_leader(const AckPipe& ack, int microseconds) {
  const pid_t pid = ::fork();
  if (pid != 0) {
    ::setpgid(pid, pid);
    return pid;
  }
  ::setpgid(0, 0);
  if (::fork() == 0) {
    ::close(ack.read_fd());
    for (;;) ::pause();
  }
  ::usleep(static_cast<useconds_t>(microseconds));
  ::_exit(7);
}

// It may be taken at any moment of the adoption: what it was is known all the same.
TEST(Adopt, AGroupLeaderThatSomebodyElseReapsIsEndedWithItsGroup) {
  run_isolated([] {
    int adopted = 0;
    Thief thief(Thief::Way::kPollingWaitpid);
    for (int i = 0; i < 400; ++i) {
      AckPipe ack;
      const int pid = fork_short_lived_leader(ack, 10 * (i % 20));
      ack.close_write();
      auto child = Child::adopt(pid);
      if (child) {
        ++adopted;
        const auto killed = child.value().kill();
        if (killed) {
          ASSERT_TRUE(has_hung_up(ack)) << "it has said that all is ended";
          continue;
        }
        EXPECT_EQ(killed.error().code, Errc::kGroupUnknown) << killed.error();  // before Linux 6.9
      } else {
        EXPECT_EQ(child.error().code, Errc::kNotAChild);
      }
      EXPECT_EQ(::kill(-pid, SIGKILL), 0) << "the group has a member, which keeps its number";
    }
    EXPECT_GT(adopted, 0);
    EXPECT_GT(thief.stolen(), 0);
  });
}

TEST(Adopt, RefusesAChildThatHasBeenWaitedFor) {
  AckPipe ack;
  const int pid = fork_and_exec(ack, {"exit", "0"}, true);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  const auto refused = Child::adopt(pid);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Errc::kNotAChild);
}

}  // namespace
}  // namespace warden::test_support

// Hosts that take our children away: SIGCHLD ignored, SA_NOCLDWAIT, a thread in wait(). The kernel keeps the
// status for us since Linux 6.15; on an older one it is lost, and said to be.
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden {
namespace {

using testing::AckPipe;
using testing::kBound;
using testing::Pidfd;
using testing::test_command;

bool kernel_keeps_the_status() {
  utsname system = {};
  ::uname(&system);
  int major = 0;
  int minor = 0;
  ::sscanf(system.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= 15);
}

// What a child that ended so has to say when it was taken away from us.
ExitStatus if_kept(const ExitStatus& end) { return kernel_keeps_the_status() ? end : ExitStatus::lost(); }

// A status with its resource usage is one that we reaped ourselves.
void expect_end(const ExitStatus& status, const ExitStatus& end, int round) {
  EXPECT_EQ(status, status.resource_usage().has_value() ? end : if_kept(end)) << "round " << round;
}

class SigchldDisposition {
 public:
  SigchldDisposition(void (*handler)(int), int flags) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(SIGCHLD, &action, &before_);
  }
  ~SigchldDisposition() { ::sigaction(SIGCHLD, &before_, nullptr); }
  SigchldDisposition(const SigchldDisposition&) = delete;
  SigchldDisposition& operator=(const SigchldDisposition&) = delete;

 private:
  struct sigaction before_ = {};
};

// Reaps every child of this process that it can get.
class Thief {
 public:
  Thief() : thread_([this] { steal(); }) {}
  ~Thief() {
    stop_ = true;
    thread_.join();
  }
  Thief(const Thief&) = delete;
  Thief& operator=(const Thief&) = delete;

  int stolen() const { return stolen_; }

 private:
  void steal() {
    while (!stop_) {
      if (::waitpid(-1, nullptr, WNOHANG) > 0) ++stolen_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> stolen_{0};
  std::thread thread_;
};

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
  Child leaving = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "exit", "2"})).value();
  const Pidfd grandchild(testing::wait_forked(ack, {"child ready"}));
  ASSERT_TRUE(Pidfd(leaving.pid()).wait_dead());
  EXPECT_EQ(leaving.terminate(timeout, timeout).value(), if_kept(ExitStatus::exited(2)));
  EXPECT_TRUE(grandchild.is_dead());
}

TEST(Thief, StatusesAreRight) {
  const Thief thief;
  run_many(150);
  EXPECT_GT(thief.stolen(), 0) << "it was never quick enough, so this has shown nothing";
}

TEST(Thief, TerminateAndKillWork) {
  const Thief thief;
  for (int i = 0; i < 100; ++i) {
    Child child = Child::spawn(test_command({"sleep"})).value();
    const bool gently = i % 2 == 0;
    expect_end(gently ? child.terminate(kBound, kBound).value() : child.kill().value(),
               ExitStatus::signaled(gently ? Signal::interrupt() : Signal::kill(), false), i);
  }
  EXPECT_GT(thief.stolen(), 0);
}

// We must be no thief ourselves.
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
}  // namespace warden

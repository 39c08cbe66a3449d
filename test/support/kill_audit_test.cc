// The audit of kill(2), with calls that the library must never make. Signal 0 makes a failing test harmless.
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "lib/os/sys.h"
#include "test/support/send_signal.h"
#include "test/support/sigchld_disposition.h"
#include "test/support/thief.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

int reaped_child() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

// Returns the last message of a forked process that dies of the act; empty when it does not.
std::string last_words(const std::function<void()>& act) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t helper = ::fork();
  if (helper == 0) {
    const rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    act();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string words;
  char buffer[256];
  for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    words.append(buffer, static_cast<size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(helper, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? words : "";
}

TEST(KillAudit, EndsAForkedProcessThatMeansMany) {
  for (const int target : {0, 1, -1}) {
    EXPECT_THAT(last_words([target] { ::kill(target, 0); }),
                HasSubstr("kill(" + std::to_string(target) + ", 0): that is no single process or group"));
  }
}

TEST(KillAudit, EndsAForkedProcessThatSignalsItselfOrItsGroup) {
  EXPECT_THAT(last_words([] { ::kill(::getpid(), 0); }), HasSubstr("this process or its group"));
  EXPECT_THAT(last_words([] { ::kill(-::getpgrp(), 0); }), HasSubstr("this process or its group"));
}

TEST(KillAudit, EndsAForkedProcessThatUsesTheNumberOfAReapedChild) {
  EXPECT_THAT(last_words([] { ::kill(reaped_child(), 0); }), HasSubstr("no child of this process, or reaped"));
  EXPECT_THAT(last_words([] { ::kill(-reaped_child(), 0); }), HasSubstr("no child of this process, or reaped"));
  EXPECT_THAT(last_words([] { ::kill(::getppid(), 0); }), HasSubstr("no child of this process, or reaped"));
}

// The audit comes before the C library for the library under test, too.
TEST(KillAudit, SeesTheCallsOfTheLibrary) {
  EXPECT_THAT(last_words([] { internal::linux_sys().kill_process(reaped_child(), 0); }), HasSubstr("or reaped"));
  EXPECT_THAT(last_words([] { internal::linux_sys().kill_group(reaped_child(), 0); }), HasSubstr("or reaped"));
}

TEST(KillAudit, FailsTheRunningTest) {
  EXPECT_NONFATAL_FAILURE(::kill(1, 0), "kill(1, 0): that is no single process or group");
  EXPECT_NONFATAL_FAILURE(::kill(reaped_child(), 0), "no child of this process, or reaped");
}

TEST(KillAudit, LetsSignalsToOurOwnChildrenPass) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ASSERT_EQ(::setpgid(child, child), 0);
  EXPECT_EQ(::kill(-child, 0), 0);
  EXPECT_EQ(::kill(child, SIGKILL), 0);
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(::kill(child, 0), 0) << "a zombie keeps its number";
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(send_signal_by_number(::getpid(), 0)) << "this way is not looked at";
}

TEST(KillAudit, LetsAGroupThatNobodyIsInPassOnlyWhereZombiesMayBeTaken) {
  const pid_t gone = reaped_child();
  EXPECT_NONFATAL_FAILURE(::kill(-gone, 0), "no child of this process, or reaped");
  const Thief thief;
  EXPECT_EQ(::kill(-gone, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_NONFATAL_FAILURE(::kill(gone, 0), "no child of this process, or reaped");
}

// The stranger's group may have got the number of an ended group of this process. A member's session decides, even if
// its leader is gone.
TEST(KillAudit, LetsNoGroupOfAnotherSessionPassThoughZombiesMayBeTaken) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    ::setsid();
    const pid_t member = ::fork();
    if (member == 0) {
      ::setpgid(0, 0);
      const pid_t self = ::getpid();
      if (::write(ready[1], &self, sizeof self) != sizeof self) ::_exit(1);
      ::close(ready[1]);
      for (;;) ::pause();
    }
    ::waitpid(member, nullptr, 0);
    ::_exit(0);
  }
  pid_t group = -1;
  ASSERT_EQ(::read(ready[0], &group, sizeof group), static_cast<ssize_t>(sizeof group));
  {
    const Thief thief;
    EXPECT_NONFATAL_FAILURE(::kill(-group, 0), "no child of this process, or reaped");
  }
  EXPECT_TRUE(send_signal_by_number(group, SIGKILL));
  EXPECT_EQ(::waitpid(stranger, nullptr, 0), stranger);
  for (const int fd : ready) ::close(fd);
}

TEST(KillAudit, LetsAGroupThatHasLostItsLeaderPassOnlyWhereZombiesMayBeTaken) {
  int held[2], done[2];
  ASSERT_EQ(::pipe(held), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::setpgid(0, 0);
    if (::fork() != 0) ::_exit(0);
    ::close(held[1]);
    char byte = 0;
    ::_exit(static_cast<int>(::read(held[0], &byte, 1)));
  }
  ::close(done[1]);
  ASSERT_EQ(::waitpid(leader, nullptr, 0), leader);
  EXPECT_NONFATAL_FAILURE(::kill(-leader, 0), "no child of this process, or reaped");
  const auto let_pass = [leader] {
    EXPECT_EQ(::kill(-leader, 0), 0);
    EXPECT_NONFATAL_FAILURE(::kill(leader, 0), "no child of this process, or reaped");
  };
  {
    const Thief thief;
    let_pass();
  }
  {
    const SigchldDisposition ignored(SIG_IGN, 0);
    let_pass();
  }
  {
    const SigchldDisposition no_zombies(SIG_DFL, SA_NOCLDWAIT);
    let_pass();
  }
  EXPECT_NONFATAL_FAILURE(::kill(-leader, 0), "no child of this process, or reaped");
  for (const int fd : {held[0], held[1]}) ::close(fd);
  char byte = 0;
  EXPECT_EQ(::read(done[0], &byte, 1), 0);  // the member has ended
  ::close(done[0]);
}

}  // namespace
}  // namespace warden::test_support

// What every spawned child is like, whatever the command says.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/send_signal.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

TEST(Spawn, RunsTheProgramAndItsExitCodeComesBack) {
  Result<Child, SpawnError> child = Child::spawn(test_command({"exit", "7"}).name("test_child"));
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_GT(child.value().pid(), 1);
  EXPECT_EQ(child.value().name(), "test_child");
  EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(7));
}

TEST(Spawn, ASignalThatEndsTheChildComesBack) {
  Result<Child, SpawnError> child = Child::spawn(test_command({"die", "USR2"}));
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_EQ(child.value().wait().value(), ExitStatus::signaled(Signal::user2(), false));
}

TEST(Spawn, PassesTheProgramAsGivenAndTheArgumentsUnchanged) {
  const std::vector<std::string> arguments = {"", "a b", "*", "two\nlines", "-x", "\xff\xfe"};
  const Report report = report_of(Command(test_child_path()), arguments);
  EXPECT_EQ(report.at("argv.0"), test_child_path());
  const std::vector<std::string> expected = {"", "a b", "*", "two\\nlines", "-x", "\xff\xfe"};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(report.at("argv." + std::to_string(i + 3)), expected[i]);
  }
  EXPECT_EQ(report.count("argv." + std::to_string(expected.size() + 3)), 0u);
}

TEST(Spawn, IsAChildOfThisProcessAndLeadsAGroupInItsSession) {
  const Report report = report_of(Command(test_child_path()));
  EXPECT_EQ(report.at("pid"), report.at("spawned pid"));
  EXPECT_EQ(report.at("ppid"), std::to_string(::getpid()));
  EXPECT_EQ(report.at("pgrp"), report.at("pid"));
  EXPECT_EQ(report.at("sid"), std::to_string(::getsid(0)));
  EXPECT_EQ(report.at("pdeathsig"), "0");
}

// Blocks all signals, and ignores those without a handler, while the object exists. (A sanitizer handles some.)
class HostileSignals {
 public:
  HostileSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask_);
    for (int signal = 1; signal < NSIG; ++signal) {
      if (signal == SIGCHLD) continue;  // ignoring it loses the exit status, which another test covers
      struct sigaction ignore = {};
      struct sigaction before = {};
      ignore.sa_handler = SIG_IGN;
      if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
      if (::sigaction(signal, &ignore, nullptr) == 0) ignored_.push_back(signal);
    }
  }
  ~HostileSignals() {
    const struct sigaction by_default = {};
    for (const int signal : ignored_) ::sigaction(signal, &by_default, nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  HostileSignals(const HostileSignals&) = delete;
  HostileSignals& operator=(const HostileSignals&) = delete;

  std::size_t ignored() const { return ignored_.size(); }

 private:
  sigset_t mask_;
  std::vector<int> ignored_;
};

TEST(Spawn, HasAnEmptyMaskAndDefaultDispositionsThoughTheParentBlocksAndIgnoresAll) {
  const HostileSignals hostile;
  EXPECT_GT(hostile.ignored(), 50u);
  for (const bool on_reaper : {false, true}) {
    const Report report = report_of(Command(test_child_path()).die_with_parent(on_reaper));
    EXPECT_EQ(report.at("SigBlk"), "0000000000000000");
    EXPECT_EQ(report.at("SigIgn"), "0000000000000000");
  }
}

std::atomic<int> main_process{0};
std::atomic<int> handled_elsewhere{0};
void note_process(int) {
  const int here = static_cast<int>(::syscall(SYS_getpid));
  if (here != main_process) handled_elsewhere = here;
}

// Starts a process that sends SIGUSR1 to its group, which is also the parent's and the children's, until it is killed.
pid_t start_signal_storm() {
  const pid_t storm = ::fork();
  if (storm != 0) return storm;
  ::signal(SIGUSR1, SIG_IGN);
  for (;;) send_signal_by_number(0, SIGUSR1);
}

// The child runs in the parent's memory until its exec: a handler that runs there would show.
TEST(Spawn, RunsNoHandlerOfTheParentInTheChildAndSurvivesAStormOfSignals) {
  run_isolated_unchecked([] {
    ASSERT_EQ(::setpgid(0, 0), 0);
    main_process = ::getpid();
    struct sigaction mine = {};
    mine.sa_handler = note_process;
    ASSERT_EQ(::sigaction(SIGUSR1, &mine, nullptr), 0);
    const pid_t storm = start_signal_storm();
    int started = 0;
    for (int i = 0; i < 100; ++i) {
      Result<Child, SpawnError> child = Child::spawn(test_command({"exit", "3"}).group(false));
      if (child.has_error()) {
        EXPECT_EQ(child.error().code, Errc::kNotExecuted) << child.error();
        continue;
      }
      ++started;
      const ExitStatus status = child.value().wait().value();
      EXPECT_TRUE(status.exit_code() == 3 || status.signal() == Signal::user1()) << status;
    }
    EXPECT_GT(started, 0);
    EXPECT_EQ(handled_elsewhere, 0);
    ::signal(SIGUSR1, SIG_IGN);  // the signal would interrupt this wait
    ::kill(storm, SIGKILL);
    EXPECT_EQ(::waitpid(storm, nullptr, 0), storm);
  });
}

// When spawn returns, the program runs: the command line in /proc is the program's.
TEST(Spawn, ReturnsWhenTheProgramRuns) {
  Result<Child, SpawnError> child = Child::spawn(test_command({"sleep"}));
  ASSERT_TRUE(child.has_value()) << child.error();
  char target[4096] = "";
  const std::string link = "/proc/" + std::to_string(child.value().pid()) + "/exe";
  EXPECT_GT(::readlink(link.c_str(), target, sizeof target - 1), 0);
  EXPECT_EQ(target, test_child_path());
  EXPECT_EQ(::getpgid(child.value().pid()), child.value().pid());
  EXPECT_EQ(child.value().kill().value(), ExitStatus::signaled(Signal::kill(), false));
}

TEST(Spawn, StartsAScriptByItsInterpreterLine) {
  const std::string path = ::testing::TempDir() + "/script-" + std::to_string(::getpid());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0700);
  const std::string text = "#!" + test_child_path() + " exit\n";
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(fd);
  Result<Child, SpawnError> child = Child::spawn(Command(path));
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(0));  // atoi of the script's path
  ::unlink(path.c_str());
}

TEST(Spawn, OneAfterTheOtherLeavesNothingEachTime) {
  for (int i = 0; i < 50; ++i) {
    Result<Child, SpawnError> child = Child::spawn(test_command({"exit", std::to_string(i)}));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(i));
  }
}

}  // namespace
}  // namespace warden::test_support

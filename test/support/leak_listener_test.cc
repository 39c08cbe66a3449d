// The leak listener can fail. Each LEAKY test leaves one thing behind; it runs in a process of its
// own, a second run of this program, which must fail and say what was left.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/process_snapshot.h"

namespace {

// A forked child that dies with this process.
pid_t fork_paused_child() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);  // it was too late for the signal
  for (;;) ::pause();
}

TEST(DISABLED_Leaky, Child) { ASSERT_GT(fork_paused_child(), 0); }

TEST(DISABLED_Leaky, Zombie) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
}

TEST(DISABLED_Leaky, ChildOfAThread) {
  std::thread([] { ASSERT_GT(::fork() == 0 ? (::_exit(0), 0) : 1, 0); }).join();
}

TEST(DISABLED_Leaky, Descriptor) { ASSERT_GT(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0); }

TEST(DISABLED_Leaky, ClosedDescriptor) { ::close(STDIN_FILENO); }

TEST(DISABLED_Leaky, ReplacedDescriptor) {
  const int fd = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  ::dup2(fd, STDIN_FILENO);
  ::close(fd);
}

TEST(DISABLED_Leaky, Thread) {
  std::thread([] { ::pause(); }).detach();
}

TEST(DISABLED_Leaky, SignalMask) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMAX);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

TEST(DISABLED_Leaky, Disposition) { ::signal(SIGCHLD, SIG_IGN); }

TEST(DISABLED_Leaky, RealTimeDisposition) { ::signal(SIGRTMIN + 3, SIG_IGN); }

TEST(DISABLED_Leaky, Umask) { ::umask(0123); }

TEST(DISABLED_Leaky, Directory) { ASSERT_EQ(::chdir("/"), 0); }

TEST(DISABLED_Leaky, DumpableFlag) { ::prctl(PR_SET_DUMPABLE, 0); }

TEST(DISABLED_Leaky, SubreaperFlag) { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

TEST(DISABLED_Leaky, CancelState) { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); }

TEST(DISABLED_Leaky, Nothing) {
  const pid_t child = fork_paused_child();
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::thread([] {}).join();
  ::close(fd);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

struct Outcome {
  int exit_code = -1;
  std::string output;
};

[[noreturn]] void run_this_program(const std::string& filter, int output) {
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  for (const char* name :
       {"XML_OUTPUT_FILE", "TEST_PREMATURE_EXIT_FILE", "TEST_TOTAL_SHARDS", "TESTBRIDGE_TEST_ONLY"}) {
    ::unsetenv(name);
  }
  ::execl("/proc/self/exe", "leaky", "--gtest_also_run_disabled_tests", filter.c_str(), nullptr);
  ::_exit(97);
}

Outcome run_leaky_test(const std::string& name) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) run_this_program("--gtest_filter=DISABLED_Leaky." + name, ends[1]);
  ::close(ends[1]);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    outcome.output.append(buffer, static_cast<size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

struct Leak {
  const char* test;
  const char* message;
};

void PrintTo(const Leak& leak, std::ostream* out) { *out << leak.test; }

std::string test_name(const ::testing::TestParamInfo<Leak>& leak) { return leak.param.test; }

class LeakListenerFinds : public ::testing::TestWithParam<Leak> {};

TEST_P(LeakListenerFinds, WhatATestLeavesBehind) {
  const Outcome outcome = run_leaky_test(GetParam().test);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_NE(outcome.output.find(std::string(GetParam().test) + " left " + GetParam().message), std::string::npos)
      << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, LeakListenerFinds,
    ::testing::Values(
        Leak{"Child", "a child process"}, Leak{"Zombie", "a child process"}, Leak{"ChildOfAThread", "a child process"},
        Leak{"Descriptor", "extra descriptor"}, Leak{"ClosedDescriptor", "missing descriptor 0"},
        Leak{"ReplacedDescriptor", "changed descriptor 0"}, Leak{"Thread", "extra thread"},
        Leak{"SignalMask", "changed signal mask"}, Leak{"Disposition", "changed disposition of signal 17"},
        Leak{"RealTimeDisposition", "changed disposition of signal 37"}, Leak{"Umask", "changed umask"},
        Leak{"Directory", "changed working directory"}, Leak{"DumpableFlag", "changed dumpable flag"},
        Leak{"SubreaperFlag", "changed child subreaper flag"}, Leak{"CancelState", "changed cancel state"}),
    test_name);

TEST(LeakListener, IsContentWithATestThatCleansUp) {
  const Outcome outcome = run_leaky_test("Nothing");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

}  // namespace

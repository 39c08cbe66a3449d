// Tests that leave something behind on purpose are named DISABLED_*; a second run of the same program runs them.
#ifndef WARDEN_TEST_SUPPORT_LEAKY_TESTS_H_
#define WARDEN_TEST_SUPPORT_LEAKY_TESTS_H_

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace warden::test_support {

// Forks a child that lives until a signal ends it or this process ends.
inline pid_t fork_paused_child() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);  // the parent ended before the prctl
  for (;;) ::pause();
}

inline void end_child(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

inline void leave_zombie() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
}

struct SecondRun {
  int exit_code = -1;  // -1 when a signal ended it
  std::string output;
};

// Runs this program again with its disabled tests, these flags, and the variable WARDEN_LEAK_CHECK set.
inline SecondRun run_again(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"/proc/self/exe", "--gtest_also_run_disabled_tests"});
  std::vector<char*> argv;
  for (std::string& flag : flags) argv.push_back(flag.data());
  argv.push_back(nullptr);
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    for (const char* name :
         {"XML_OUTPUT_FILE", "TEST_PREMATURE_EXIT_FILE", "TEST_TOTAL_SHARDS", "TESTBRIDGE_TEST_ONLY"}) {
      ::unsetenv(name);
    }
    ::setenv("WARDEN_LEAK_CHECK", "1", 1);
    ::execv(argv[0], argv.data());
    ::_exit(97);
  }
  ::close(ends[1]);
  SecondRun run;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    run.output.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  return run;
}

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_LEAKY_TESTS_H_

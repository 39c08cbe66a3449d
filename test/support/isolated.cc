#include "test/support/isolated.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <string>

#include "gtest/gtest.h"
#include "test/support/process_snapshot.h"

namespace warden::test_support {
namespace {

constexpr int kPassed = 42;  // not what a stray exit would return

[[noreturn]] void run_and_leave(const std::function<void()>& body, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // 0 when this is the first process of a new pid namespace.
  if (::getppid() != parent && ::getppid() != 0) ::_exit(1);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // which refuse_system_calls needs: no change that the body makes
  try {
    body();
  } catch (const std::exception& error) {  // this process must not go on as a second run of the tests
    ADD_FAILURE() << "exception: " << error.what();
  }
  const bool failed = ::testing::Test::HasFailure();
  ::fflush(nullptr);
  ::_exit(failed ? 1 : kPassed);
}

// Waits for this one child; as the first process of a pid namespace, also for every orphan meanwhile.
pid_t wait_for(pid_t helper, int* status) {
  if (::getpid() != 1) return ::waitpid(helper, status, 0);
  for (;;) {
    const pid_t ended = ::waitpid(-1, status, 0);
    if (ended == helper || ended < 0) return ended;
  }
}

}  // namespace

void run_isolated_unchecked(const std::function<void()>& body) {
  ASSERT_FALSE(::testing::Test::HasFailure()) << "not run, because the test has failed already";
  ::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t helper = ::fork();
  ASSERT_GE(helper, 0);
  if (helper == 0) run_and_leave(body, parent);
  int status = 0;
  ASSERT_EQ(wait_for(helper, &status), helper);
  ASSERT_TRUE(WIFEXITED(status)) << "the helper process died of signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), kPassed) << "failed in the helper process";
}

void check_leaves_nothing(const std::function<void()>& body) {
  const ProcessSnapshot before = ProcessSnapshot::take();
  body();
  for (const std::string& difference : differences_once_settled(before)) {
    ADD_FAILURE() << "the helper process was left with " << difference;
  }
}

void run_isolated(const std::function<void()>& body) {
  run_isolated_unchecked([&body] { check_leaves_nothing(body); });
}

}  // namespace warden::test_support

// The public leak check finds what a test leaves, and nothing else. Each test of DISABLED_Leaky and DISABLED_Tidy runs
// in a second run of this program, which has the check installed and must fail, or not.
#include "warden/testing/leak_check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/leak_listener.h"
#include "test/support/leaky_tests.h"
#include "warden/child.h"
#include "warden/command.h"

namespace warden::testing {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using warden::test_support::end_child;
using warden::test_support::fork_paused_child;
using warden::test_support::leave_zombie;
using warden::test_support::run_again;
using warden::test_support::SecondRun;

int open_something() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

// ---- The tests of the second run.

TEST(DISABLED_Leaky, Child) { ASSERT_GT(fork_paused_child(), 0); }

TEST(DISABLED_Leaky, Zombie) { leave_zombie(); }

// The child has the guard's exit signal, 0: only a wait with __WALL sees it.
TEST(DISABLED_Leaky, SilentClone) {
  const pid_t parent = ::getpid();
  const long child = ::syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(::getppid() == parent ? 0 : 1);
  ASSERT_GT(child, 0);
}

TEST(DISABLED_Leaky, Descriptor) { ASSERT_GT(open_something(), 0); }

TEST(DISABLED_Leaky, Thread) {
  std::thread([] {
    ::prctl(PR_SET_NAME, "straggler");
    ::pause();
  }).detach();
}

TEST(DISABLED_Leaky, SkippedTest) {
  ASSERT_GT(open_something(), 0);
  GTEST_SKIP() << "but not before it opened something";
}

class DISABLED_LeakyFixture : public ::testing::Test {
 protected:
  void TearDown() override { left_ = open_something(); }
  int left_ = -1;
};

TEST_F(DISABLED_LeakyFixture, TearDown) {}

TEST(DISABLED_Tidy, Nothing) {
  const int fd = open_something();
  std::thread([] {}).join();
  ::close(fd);
  end_child(fork_paused_child());
}

TEST(DISABLED_Tidy, WardenChild) {
  warden::Command command("/bin/true");
  warden::Child::spawn(command).value().wait().value();
}

TEST(DISABLED_Tidy, ThreadOnItsWayOut) {
  std::thread([] {}).detach();
}

class DISABLED_TidySuite : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    child_ = fork_paused_child();
    fd_ = open_something();
  }
  static void TearDownTestSuite() {
    end_child(child_);
    ::close(fd_);
  }
  static pid_t child_;
  static int fd_;
};
pid_t DISABLED_TidySuite::child_ = -1;
int DISABLED_TidySuite::fd_ = -1;

TEST_F(DISABLED_TidySuite, WhatItsSuiteHas) {}

TEST(DISABLED_Tidy, ClosesWhatWasOpen) { ::close(STDIN_FILENO); }

class DISABLED_TidyDeathTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Styles, DISABLED_TidyDeathTest, ::testing::Values("fast", "threadsafe"));

TEST_P(DISABLED_TidyDeathTest, Dies) {
  ::testing::GTEST_FLAG(death_test_style) = GetParam();
  EXPECT_EXIT((open_something(), ::exit(3)), ::testing::ExitedWithCode(3), "");
}

// ---- The tests that start the second run.

SecondRun run(const std::string& name, const std::string& flag = "--gtest_shuffle") {
  return run_again({"--gtest_filter=*DISABLED_" + name, flag});
}

struct Leak {
  const char* test;
  const char* message;
};

void PrintTo(const Leak& leak, std::ostream* out) { *out << leak.test; }

class LeakCheckFinds : public ::testing::TestWithParam<Leak> {};

TEST_P(LeakCheckFinds, WhatATestLeaves) {
  const SecondRun outcome = run(GetParam().test);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, ContainsRegex(std::string(" left ") + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Kinds, LeakCheckFinds,
                         ::testing::Values(Leak{"Leaky.Child", "a child process [0-9]+ .[^,]+, state [RS]"},
                                           Leak{"Leaky.Zombie", "a child process [0-9]+ .[^,]+, state Z"},
                                           Leak{"Leaky.SilentClone", "a child process [0-9]+ "},
                                           Leak{"Leaky.Descriptor", "extra descriptor [0-9]+ ./dev/null"},
                                           Leak{"Leaky.Thread", "extra thread [0-9]+ .straggler"},
                                           Leak{"Leaky.SkippedTest", "extra descriptor [0-9]+ ./dev/null"},
                                           Leak{"LeakyFixture.TearDown", "extra descriptor [0-9]+ ./dev/null"}),
                         [](const auto& leak) {
                           const std::string test = leak.param.test;
                           return test.substr(test.find('.') + 1);
                         });

TEST(LeakCheck, IsContentWithTestsThatLeaveNothing) {
  const SecondRun outcome = run("Tidy*");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("[  PASSED  ] 7 tests."));
}

TEST(LeakCheck, FindsALeakOnceInEachRepetition) {
  const SecondRun outcome = run("Leaky.Descriptor", "--gtest_repeat=3");
  std::size_t count = 0;
  for (std::size_t at = 0; (at = outcome.output.find("left extra descriptor", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 3u) << outcome.output;
}

// ---- The check of a part of a test.

TEST(LeakCheckOfAPart, NamesWhatIsThereMoreThanBefore) {
  const LeakCheck check;
  const int fd = open_something();
  const pid_t child = fork_paused_child();
  EXPECT_THAT(check.leaks(), ElementsAre(HasSubstr("a child process " + std::to_string(child) + " ("),
                                         "extra descriptor " + std::to_string(fd) + " (/dev/null)"));
  ::close(fd);
  end_child(child);
  EXPECT_THAT(check.leaks(), IsEmpty());
}

TEST(LeakCheckOfAPart, ForgesNoLineWithTheNameOfAFileOrAThread) {
  const LeakCheck check;
  const int file = ::memfd_create("a\n[  PASSED  ]\x1b[2J", MFD_CLOEXEC);
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::promise<void> named;
  std::thread thread([&] {
    ::prctl(PR_SET_NAME, "b\n[  OK  ]\x1b");
    named.set_value();
    char byte = 0;
    EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "the end of the pipe";
  });
  named.get_future().wait();
  const std::vector<std::string> leaks = check.leaks();
  EXPECT_THAT(leaks, Contains(HasSubstr("(/memfd:a\\x0a[  PASSED  ]\\x1b[2J")));
  EXPECT_THAT(leaks, Contains(HasSubstr("(b\\x0a[  OK  ]\\x1b)")));
  ::close(ends[1]);
  thread.join();
  ::close(ends[0]);
  ::close(file);
  EXPECT_THAT(check.leaks(), IsEmpty());
}

TEST(LeakCheckOfAPart, FailsTheTestInItsDestructor) {
  static int fd = -1;
  EXPECT_NONFATAL_FAILURE(
      {
        const LeakCheck check;
        fd = open_something();
      },
      "left extra descriptor");
  ::close(fd);
}

TEST(LeakCheckOfAPart, DoesNotMindWhatWasThereAndIsGone) {
  const int fd = open_something();
  const pid_t child = fork_paused_child();
  const LeakCheck check;
  EXPECT_THAT(check.leaks(), IsEmpty());
  ::close(fd);
  end_child(child);
  EXPECT_THAT(check.leaks(), IsEmpty());
}

TEST(LeakCheckOfAPart, IsNoneOfAForkedCopy) {
  std::optional<LeakCheck> check;
  check.emplace();
  const pid_t copy = ::fork();
  if (copy == 0) {
    open_something();
    ::_exit(check->leaks().empty() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(copy, &status, 0), copy);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace warden::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::getenv("WARDEN_LEAK_CHECK") != nullptr) {
    warden::testing::install_leak_check();
    warden::testing::install_leak_check();  // the second call adds no second finding
  } else {
    std::thread([] {}).join();  // ThreadSanitizer's own thread starts with the first
    ::testing::UnitTest::GetInstance()->listeners().Append(new warden::test_support::LeakListener);
  }
  return RUN_ALL_TESTS();
}

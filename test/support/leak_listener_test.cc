// Shows that the leak listener can fail. Each test of DISABLED_Leaky leaves one thing behind. It runs in a second run
// of this program, which must fail and say what was left.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/leaky_tests.h"
#include "test/support/process_snapshot.h"

namespace warden::test_support {
namespace {

TEST(DISABLED_Leaky, Child) { ASSERT_GT(fork_paused_child(), 0); }

TEST(DISABLED_Leaky, Zombie) { leave_zombie(); }

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

TEST(DISABLED_Leaky, AlternateSignalStack) {
  static char memory[65536];
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  ASSERT_EQ(::sigaltstack(&stack, nullptr), 0);
}

void start_interval_timer(__itimer_which which) {
  const struct itimerval timer = {{0, 0}, {1000, 0}};
  ASSERT_EQ(::setitimer(which, &timer, nullptr), 0);
}

TEST(DISABLED_Leaky, RealTimer) { start_interval_timer(ITIMER_REAL); }

TEST(DISABLED_Leaky, VirtualTimer) { start_interval_timer(ITIMER_VIRTUAL); }

TEST(DISABLED_Leaky, ProfilingTimer) { start_interval_timer(ITIMER_PROF); }

TEST(DISABLED_Leaky, PosixTimer) {
  struct sigevent event = {};
  event.sigev_notify = SIGEV_NONE;
  timer_t timer = {};
  ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
}

// The file is open before and after the test, so that only the lock changes.
class DISABLED_LeakyLock : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { fd_ = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC); }
  static void TearDownTestSuite() { ::close(fd_); }
  static int fd_;
};
int DISABLED_LeakyLock::fd_ = -1;

TEST_F(DISABLED_LeakyLock, RecordLock) {
  struct flock lock = {};
  lock.l_type = F_RDLCK;
  ASSERT_EQ(::fcntl(fd_, F_SETLK, &lock), 0);
}

TEST_F(DISABLED_LeakyLock, FileLock) { ASSERT_EQ(::flock(fd_, LOCK_SH), 0); }

TEST(DISABLED_Leaky, AddedVariable) { ::setenv("WARDEN_LEAKY", "1", 1); }

TEST(DISABLED_Leaky, ChangedVariable) { ::setenv("PATH", "/nowhere", 1); }

TEST(DISABLED_Leaky, RemovedVariable) { ::unsetenv("PATH"); }

TEST(DISABLED_Leaky, Limit) {
  struct rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  --limit.rlim_cur;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(DISABLED_Leaky, ParentDeathSignal) { ::prctl(PR_SET_PDEATHSIG, SIGURG); }

TEST(DISABLED_Leaky, NoNewPrivs) { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

TEST(DISABLED_Leaky, KeepCaps) { ASSERT_EQ(::prctl(PR_SET_KEEPCAPS, 1), 0); }

TEST(DISABLED_Leaky, TimerSlack) { ::prctl(PR_SET_TIMERSLACK, 123456); }

TEST(DISABLED_Leaky, Personality) { ::personality(ADDR_NO_RANDOMIZE); }

TEST(DISABLED_Leaky, Nice) { ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + 1), 0); }

TEST(DISABLED_Leaky, SchedulingPolicy) {
  const struct sched_param parameter = {};
  ASSERT_EQ(::sched_setscheduler(0, SCHED_BATCH, &parameter), 0);
}

TEST(DISABLED_Leaky, CancelType) { ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr); }

TEST(DISABLED_Leaky, ProcessGroup) { ASSERT_EQ(::setpgid(0, 0), 0); }

TEST(DISABLED_Leaky, OutOfMemoryScore) {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::write(fd, "789", 3), 3);
  ::close(fd);
}

TEST(DISABLED_Leaky, Nothing) {
  const pid_t child = fork_paused_child();
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::thread([] {}).join();
  ::close(fd);
  end_child(child);
}

SecondRun run_leaky_test(const std::string& name) { return run_again({"--gtest_filter=DISABLED_Leaky*." + name}); }

struct Leak {
  const char* test;
  const char* message;
};

void PrintTo(const Leak& leak, std::ostream* out) { *out << leak.test; }

std::string test_name(const ::testing::TestParamInfo<Leak>& leak) { return leak.param.test; }

class LeakListenerFinds : public ::testing::TestWithParam<Leak> {};

TEST_P(LeakListenerFinds, WhatATestLeavesBehind) {
  if (GetParam().test == std::string("PosixTimer") && ::access("/proc/self/timers", R_OK) != 0) {
    GTEST_SKIP() << "this kernel does not list timers (CONFIG_CHECKPOINT_RESTORE)";
  }
  const SecondRun outcome = run_leaky_test(GetParam().test);
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
        Leak{"SubreaperFlag", "changed child subreaper flag"}, Leak{"CancelState", "changed cancel state"},
        Leak{"CancelType", "changed cancel type"}, Leak{"AlternateSignalStack", "changed alternate signal stack"},
        Leak{"RealTimer", "changed interval timer (real)"}, Leak{"VirtualTimer", "changed interval timer (virtual)"},
        Leak{"ProfilingTimer", "changed interval timer (profiling)"},
        Leak{"PosixTimer", "changed timers (timer_create)"}, Leak{"RecordLock", "changed locks ( became POSIX"},
        Leak{"FileLock", "changed locks ( became FLOCK"},
        Leak{"AddedVariable", "extra environment variable WARDEN_LEAKY"},
        Leak{"ChangedVariable", "changed environment variable PATH"},
        Leak{"RemovedVariable", "missing environment variable PATH"}, Leak{"Limit", "changed limit of resource 7"},
        Leak{"ParentDeathSignal", "changed parent-death signal"}, Leak{"NoNewPrivs", "changed no_new_privs flag"},
        Leak{"KeepCaps", "changed keepcaps flag"}, Leak{"TimerSlack", "changed timer slack"},
        Leak{"Personality", "changed personality"}, Leak{"Nice", "changed nice value"},
        Leak{"SchedulingPolicy", "changed scheduling"}, Leak{"ProcessGroup", "changed process group"},
        Leak{"OutOfMemoryScore", "changed out-of-memory score"}),
    test_name);

TEST(LeakListener, IsContentWithATestThatCleansUp) {
  const SecondRun outcome = run_leaky_test("Nothing");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

}  // namespace
}  // namespace warden::test_support

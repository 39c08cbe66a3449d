// A failed launch reaps its own child and no other, although a wait of the host's with __WALL may come first.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/config.h"
#include "gtest/gtest.h"
#include "lib/os/unique_fd.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/kept_status.h"
#include "test/support/pid_namespace.h"
#include "test/support/process_snapshot.h"
#include "test/support/send_signal.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/thief.h"

namespace warden::test_support {
namespace {

// A child of the host's own that ends with that exit code, and sends no signal. By the raw calls: a sanitizer's _exit()
// may wait for a lock that another thread of the parent holds.
int fork_silent_child(int code) {
  const auto pid = static_cast<int>(::syscall(SYS_clone, 0, 0, nullptr, nullptr, 0));
  if (pid == 0) ::syscall(SYS_exit_group, code);
  return pid;
}

// What the handler below has made: a child of the host's, and the number that it was to get.
volatile int own_child = -1;
volatile int wanted_number = -1;

// Runs on the spawning thread as soon as that takes signals again, between the death of its child and its wait for it.
// Takes the zombie, and makes a zombie of the host's own with the same number. The kernel frees a number only after it
// has reported the child as gone, so the first tries may come too early.
void take_child_and_its_number(int) {
  const pid_t taken = ::waitpid(-1, nullptr, __WALL);
  for (int tries = 0; tries < 10'000; ++tries) {
    choose_next_pid(taken);
    const int pid = fork_silent_child(7);
    siginfo_t info = {};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | __WALL);
    own_child = pid;
    wanted_number = taken;
    if (pid == taken) return;
    ::waitpid(pid, nullptr, __WALL);
    ::sched_yield();
  }
}

// The number of the only child, once there is one.
int wait_for_child() {
  for (;;) {
    const auto children = ProcessSnapshot::take().children;
    if (!children.empty()) return children.begin()->first;
    ::sched_yield();
  }
}

struct End {
  const char* name;
  void (*end)(int pid, const std::string& fifo);
};

void PrintTo(const End& end, std::ostream* out) { *out << end.name; }

class ChildThatEndsBeforeItsExec : public ::testing::TestWithParam<End> {};

INSTANTIATE_TEST_SUITE_P(
    By, ChildThatEndsBeforeItsExec,
    ::testing::Values(End{"AFailedExec",
                          [](int, const std::string& fifo) {
                            const internal::UniqueFd reader(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
                            EXPECT_GE(reader.get(), 0);
                          }},
                      End{"AKill", [](int pid, const std::string&) { send_signal_by_number(pid, SIGKILL); }}),
    [](const auto& end) { return std::string(end.param.name); });

// The open of a FIFO without a reader holds the child until the signal is pending.
TEST_P(ChildThatEndsBeforeItsExec, IsNotMistakenForAnotherThatHasGotItsNumber) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  GTEST_SKIP() << "the sanitizer runs a handler later";
#endif
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  run_in_pid_namespace([] {
    const TemporaryDirectory directory;
    const std::string fifo = directory.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    struct sigaction thief = {};
    thief.sa_handler = take_child_and_its_number;
    struct sigaction before = {};
    ::sigaction(SIGUSR1, &thief, &before);
    const pthread_t spawner = pthread_self();
    std::thread ender([spawner, &fifo] {
      const int pid = wait_for_child();
      pthread_kill(spawner, SIGUSR1);
      GetParam().end(pid, fifo);
    });
    Result<Child, SpawnError> child = Child::spawn(Command("/no/such/program").stdout_to(Stdio::file(fifo)));
    ender.join();
    ::sigaction(SIGUSR1, &before, nullptr);
    ASSERT_EQ(own_child, wanted_number) << "the number was never free";
    int status = 0;
    EXPECT_EQ(::waitpid(own_child, &status, __WALL | WNOHANG), own_child) << "it is gone";
    EXPECT_EQ(status, 7 << 8);
    if (child.has_value()) {  // a host that takes a child which has not executed leaves no trace of that
      EXPECT_TRUE(is_right(child.value().wait().value(), ExitStatus::signaled(Signal::kill(), false)));
    } else {
      EXPECT_EQ(child.error().code, std::errc::no_such_file_or_directory);
    }
  });
}

void fail_many_spawns(int count) {
  for (int i = 0; i < count; ++i) {
    const SpawnError error = error_of(Command("/no/such/program"));
    EXPECT_EQ(error.code, std::errc::no_such_file_or_directory) << error;
    EXPECT_EQ(error.step, SpawnError::Step::kExec) << error;
  }
}

TEST(FailedSpawn, LeavesTheHostsOwnChildrenAlone) {
  std::vector<std::thread> spawners;
  for (int i = 0; i < 2; ++i) spawners.emplace_back([] { fail_many_spawns(50); });
  for (int i = 0; i < 50; ++i) {
    const int own = fork_silent_child(i);
    int status = 0;
    ASSERT_EQ(::waitpid(own, &status, __WALL), own) << i;
    EXPECT_EQ(status, i << 8);
  }
  for (std::thread& spawner : spawners) spawner.join();
}

TEST(FailedSpawn, SaysItsStepWhereTheHostReapsChildrenOfEveryKind) {
  const Thief thief(Thief::Way::kEveryKind);
  std::vector<std::thread> spawners;
  for (int i = 0; i < 2; ++i) spawners.emplace_back([] { fail_many_spawns(50); });
  for (std::thread& spawner : spawners) spawner.join();
  while (thief.stolen() == 0) fail_many_spawns(1);
}

}  // namespace
}  // namespace warden::test_support

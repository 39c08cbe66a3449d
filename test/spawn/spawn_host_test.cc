// Spawning changes nothing of the host's process. After each of these tests the leak listener checks descriptors,
// threads, mask, dispositions and so on, too.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/support/spawn_helpers.h"

namespace warden::test_support {
namespace {

// A file on which this process holds a POSIX record lock. Closing any descriptor of it, in a table that is shared with
// this process, would drop the lock.
class LockedFile {
 public:
  LockedFile() {
    path_ = ::testing::TempDir() + "/locked-XXXXXX";
    fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    EXPECT_EQ(::fcntl(fd_, F_SETLK, &lock), 0);
  }
  ~LockedFile() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  int fd() const { return fd_; }

  // Whether another process sees the lock.
  bool is_locked() const {
    const pid_t other = ::fork();
    if (other == 0) {
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      const bool locked = ::fcntl(fd_, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid == ::getppid();
      ::syscall(SYS_exit_group, locked ? 1 : 0);  // ThreadSanitizer would look for the threads of before the fork
    }
    int status = 0;
    EXPECT_EQ(::waitpid(other, &status, 0), other);
    return WEXITSTATUS(status) == 1;
  }

 private:
  std::string path_;
  int fd_ = -1;
};

void expect_locks_kept() {
  const LockedFile locked;
  ASSERT_TRUE(locked.is_locked());
  Command inheriting = test_command({"exit", "0"});
  inheriting.inherit_fd(locked.fd(), 100).inherit_fd(1, locked.fd()).stdin_from(Stdio::fd(locked.fd()));
  for (const Command& command :
       {test_command({"exit", "0"}), Command(inheriting).inherit_descriptors(true), inheriting.die_with_parent(true)}) {
    Result<Child, SpawnError> child = Child::spawn(command);
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_TRUE(child.value().wait().value().success());
    EXPECT_TRUE(locked.is_locked());
  }
  error_of(Command("/no/such/program").inherit_fd(locked.fd(), 100));
  EXPECT_TRUE(locked.is_locked());
}

TEST(SpawnHost, KeepsItsRecordLocks) { expect_locks_kept(); }

TEST(SpawnHost, KeepsItsRecordLocksWithoutCloseRange) {
  run_isolated([] {
    refuse_system_calls({{SYS_close_range, ENOSYS}});
    expect_locks_kept();
  });
}

TEST(SpawnHost, KeepsItsRecordLocksWithACopiedTable) {
  run_isolated([] {
    refuse_system_calls({{SYS_close_range, ENOSYS}, {SYS_unshare, EPERM}});
    expect_locks_kept();
  });
}

std::uint64_t raw_signal_mask() {
  std::uint64_t mask = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &mask, sizeof mask);
  return mask;
}

TEST(SpawnHost, KeepsTheMaskOfTheCallingThread) {
  sigset_t some;
  sigset_t before;
  sigemptyset(&some);
  for (const int signal : {SIGUSR1, SIGTERM, SIGRTMAX}) sigaddset(&some, signal);
  pthread_sigmask(SIG_SETMASK, &some, &before);
  const std::uint64_t mask = raw_signal_mask();
  for (const bool on_reaper : {false, true}) {
    Result<Child, SpawnError> child = Child::spawn(test_command({"exit", "0"}).die_with_parent(on_reaper));
    EXPECT_EQ(raw_signal_mask(), mask);
    EXPECT_TRUE(child.value().wait().value().success());
    error_of(Command("/no/such/program").die_with_parent(on_reaper));
    EXPECT_EQ(raw_signal_mask(), mask);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

struct CancelledSpawn {
  std::unique_ptr<Result<Child, SpawnError>> result;
  Command command{""};
  int cancel_state = -1;
  bool reached_the_end = false;
};

void* spawn_with_a_pending_cancellation(void* argument) {
  auto* spawn = static_cast<CancelledSpawn*>(argument);
  pthread_cancel(pthread_self());
  spawn->result = std::make_unique<Result<Child, SpawnError>>(Child::spawn(spawn->command));
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &spawn->cancel_state);
  spawn->reached_the_end = true;
  pthread_setcancelstate(spawn->cancel_state, nullptr);
  pthread_testcancel();
  return nullptr;
}

void run_cancelled(CancelledSpawn* spawn) {
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, spawn_with_a_pending_cancellation, spawn), 0);
  void* returned = nullptr;
  ASSERT_EQ(pthread_join(thread, &returned), 0);
  EXPECT_EQ(returned, PTHREAD_CANCELED);  // only after the spawn: the cancellation was still pending
  EXPECT_TRUE(spawn->reached_the_end);
  EXPECT_EQ(spawn->cancel_state, PTHREAD_CANCEL_ENABLE);
}

TEST(SpawnHost, IsNotCancelledWithinASpawnAndKeepsItsCancelState) {
  CancelledSpawn spawn;
  spawn.command = test_command({"read"}).stdin_from(Stdio::pipe());
  run_cancelled(&spawn);
  ASSERT_TRUE(spawn.result != nullptr && spawn.result->has_value());
  EXPECT_TRUE(spawn.result->value().wait().value().success());
}

TEST(SpawnHost, IsNotCancelledWithinAFailingSpawn) {
  CancelledSpawn spawn;
  spawn.command = Command("/no/such/program").stdin_from(Stdio::pipe());
  run_cancelled(&spawn);
  ASSERT_NE(spawn.result, nullptr);
  EXPECT_FALSE(spawn.result->has_value());
}

TEST(SpawnHost, KeepsItsDumpableFlag) {
  run_isolated([] {
    for (const int dumpable : {1, 0}) {
      ASSERT_EQ(::prctl(PR_SET_DUMPABLE, dumpable), 0);
      Result<Child, SpawnError> child = Child::spawn(test_command({"exit", "0"}));
      ASSERT_TRUE(child.has_value()) << child.error();
      EXPECT_TRUE(child.value().wait().value().success());
      EXPECT_EQ(::prctl(PR_GET_DUMPABLE), dumpable);
    }
    ::prctl(PR_SET_DUMPABLE, 1);
  });
}

TEST(SpawnHost, KeepsItsOwnDirectoryUmaskAndPriority) {
  Command command = test_command({"exit", "0"});
  command.cpu_affinity({::sched_getcpu()}).no_new_privileges(true);
  Result<Child, SpawnError> child = Child::spawn(command.cwd("/").umask(0777).nice(19).limit({4, 0, 0}));
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_TRUE(child.value().wait().value().success());  // the leak listener checks the rest
}

// Allocates and prints until it is told to stop, so that some thread holds locks of the C library at any time.
void allocate_and_print(const std::atomic<bool>& stop) {
  FILE* null = ::fopen("/dev/null", "we");
  for (size_t i = 0; !stop; ++i) {
    const std::unique_ptr<char[]> memory(new char[1 + i % 100'000]);
    ::fprintf(null, "%p %zu\n", static_cast<void*>(memory.get()), i);
  }
  ::fclose(null);
}

bool is_thread(int tid) { return ::access(("/proc/self/task/" + std::to_string(tid)).c_str(), F_OK) == 0; }

// The kernel would send a child's parent-death signal when the thread that launched it ends.
TEST(SpawnHost, AThreadMaySpawnAndEndAtOnceAndItsChildLivesOnForOthers) {
  for (const bool die_with_parent : {false, true}) {
    for (int i = 0; i < 20; ++i) {
      AckPipe ack;
      Command command = test_command(ack, {"handle", "USR1", "4"});
      command.die_with_parent(die_with_parent);
      std::optional<Child> child;
      int spawner = 0;
      std::thread([&] {
        spawner = static_cast<int>(::syscall(SYS_gettid));
        child.emplace(Child::spawn(command).value());
      }).join();
      while (is_thread(spawner)) std::this_thread::yield();
      EXPECT_EQ(ack.wait_line(), "ready");
      EXPECT_TRUE(child->send_signal(Signal::user1()).has_value());
      std::thread([&child] { EXPECT_EQ(child->wait().value(), ExitStatus::exited(4)); }).join();
    }
  }
}

void spawn_some(int first, std::atomic<int>* right) {
  for (int i = 0; i < 25; ++i) {
    const int code = (first + i) % 256;
    Result<Child, SpawnError> child =
        Child::spawn(test_command({"exit", std::to_string(code)}).env("LONG", std::string(5000, 'x')));
    if (child.has_value() && child.value().wait().value() == ExitStatus::exited(code)) ++*right;
  }
}

TEST(SpawnHost, ThreadsMaySpawnWhileOthersAllocateAndPrint) {
  std::atomic<bool> stop{false};
  std::atomic<int> right{0};
  std::vector<std::thread> busy;
  std::vector<std::thread> spawners;
  for (int i = 0; i < 4; ++i) busy.emplace_back([&stop] { allocate_and_print(stop); });
  for (int i = 0; i < 12; ++i) spawners.emplace_back([i, &right] { spawn_some(i * 25, &right); });
  for (std::thread& thread : spawners) thread.join();
  stop = true;
  for (std::thread& thread : busy) thread.join();
  EXPECT_EQ(right, 300);
}

}  // namespace
}  // namespace warden::test_support

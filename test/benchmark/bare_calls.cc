#include "test/benchmark/bare_calls.h"

#include <errno.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "lib/os/raw_syscall.h"
#include "test/benchmark/measure.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

using internal::as_argument;
using internal::raw_syscall;

constexpr int kSignals = 64;
constexpr long kMaskBytes = kSignals / 8;
constexpr idtype_t kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which Debian 12's headers have under another name
constexpr unsigned kToGroup = 1U << 2;                   // PIDFD_SIGNAL_PROCESS_GROUP, which they lack

// The kernel's own record of a signal's action.
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

void look_at_dispositions() {
  for (int signal = 1; signal <= kSignals; ++signal) {
    KernelAction action;
    raw_syscall(SYS_rt_sigaction, signal, 0, as_argument(&action), kMaskBytes);
  }
}

struct TinyLaunch {
  char** argv;
  bool with_dispositions;
};

// Runs in the child, which shares the parent's memory: makes a group and a descriptor table of its own, reads each
// disposition, empties the signal mask.
int exec_tiny(void* argument) {
  const TinyLaunch& launch = *static_cast<const TinyLaunch*>(argument);
  raw_syscall(SYS_setpgid, 0, 0);
  raw_syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE);
  if (launch.with_dispositions) look_at_dispositions();
  const unsigned long none = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&none), 0, kMaskBytes);
  char** const arguments = launch.argv;
  raw_syscall(SYS_execve, as_argument(arguments[0]), as_argument(arguments), as_argument(environ));
  raw_syscall(SYS_exit_group, 127);
  return 0;
}

// The pidfd of a new child.
int launch_tiny(bool with_dispositions) {
  char* argv[] = {const_cast<char*>(tiny_program().c_str()), nullptr};
  TinyLaunch launch = {argv, with_dispositions};
  alignas(64) char stack[16 * 1024];
  const unsigned long all = ~0UL;
  unsigned long before = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&all), as_argument(&before), kMaskBytes);
  int pidfd = -1;
  const int pid = ::clone(exec_tiny, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD,
                          &launch, &pidfd);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&before), 0, kMaskBytes);
  require(pid > 0, "clone");
  return pidfd;
}

siginfo_t poll_and_collect(int pidfd) {
  pollfd readable = {pidfd, POLLIN, 0};
  siginfo_t info = {};
  struct rusage usage = {};
  require(::poll(&readable, 1, -1) == 1, "poll");
  require(::syscall(SYS_waitid, kByPidfd, pidfd, &info, WEXITED, &usage) == 0, "waitid");
  return info;
}

long signal_group(int pidfd, int signal) { return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, kToGroup); }

// A thread that sleeps until it is told that the child has ended.
class SleepingThread {
 public:
  SleepingThread() {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, 64 * 1024);
    require(::pthread_create(&thread_, &attributes, sleep, this) == 0, "pthread_create");
    ::pthread_attr_destroy(&attributes);
  }
  ~SleepingThread() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    ::pthread_join(thread_, nullptr);
  }
  SleepingThread(const SleepingThread&) = delete;
  SleepingThread& operator=(const SleepingThread&) = delete;

 private:
  static void* sleep(void* argument) {
    auto* const self = static_cast<SleepingThread*>(argument);
    std::unique_lock<std::mutex> lock(self->mutex_);
    self->changed_.wait(lock, [self] { return self->ended_; });
    return nullptr;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  pthread_t thread_ = {};
};

void run_once(Without without) {
  std::optional<SleepingThread> thread;
  if (without != Without::kThread) thread.emplace();
  bare_wait(launch_tiny(without != Without::kDispositions));
}

}  // namespace

double bare_run_each(int count, Without without) {
  const double total = microseconds_of([count, without] {
    for (int i = 0; i < count; ++i) run_once(without);
  });
  return total / count;
}

int pidfd_of(int pid) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  require(pidfd >= 0, "pidfd_open");
  return pidfd;
}

double bare_wait(int pidfd) {
  const siginfo_t info = poll_and_collect(pidfd);
  const double awake = now_in_microseconds();
  ::close(pidfd);
  require(info.si_code == CLD_EXITED && info.si_status == 0, "the child was to end with 0");
  return awake;
}

double bare_terminate_each(int count) {
  double total = 0;
  for (int i = 0; i < count; ++i) {
    const int pidfd = pidfd_of(posix_spawn_tiny_leader("p"));
    siginfo_t info = {};
    total += microseconds_of([&] {
      require(::waitid(kByPidfd, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | WNOWAIT) == 0, "waitid");
      require(signal_group(pidfd, SIGTERM) == 0 && signal_group(pidfd, SIGCONT) == 0, "pidfd_send_signal");
      info = poll_and_collect(pidfd);
      require(signal_group(pidfd, 0) == -1 && errno == ESRCH, "the group was to be empty");
    });
    ::close(pidfd);
    require(info.si_code == CLD_KILLED && info.si_status == SIGTERM, "the child was to die of SIGTERM");
  }
  return total / count;
}

}  // namespace warden::benchmark

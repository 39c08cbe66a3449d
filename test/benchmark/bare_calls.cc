#include "test/benchmark/bare_calls.h"

#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "lib/internal/raw_syscall.h"
#include "test/benchmark/measure.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

using internal::as_argument;
using internal::raw_syscall;

constexpr int kSignals = 64;
constexpr long kMaskBytes = kSignals / 8;
constexpr idtype_t kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which Debian 12's headers have under another name

// The action of a signal as the kernel has it.
struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

// In the child, which shares our memory: a group, a table of its own, a look at each disposition, an empty mask.
int exec_tiny(void* argv) {
  raw_syscall(SYS_setpgid, 0, 0);
  raw_syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE);
  for (int signal = 1; signal <= kSignals; ++signal) {
    KernelAction action;
    raw_syscall(SYS_rt_sigaction, signal, 0, as_argument(&action), kMaskBytes);
  }
  const unsigned long none = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&none), 0, kMaskBytes);
  char** const arguments = static_cast<char**>(argv);
  raw_syscall(SYS_execve, as_argument(arguments[0]), as_argument(arguments), as_argument(environ));
  raw_syscall(SYS_exit_group, 127);
  return 0;
}

// The pidfd of a new child.
int launch_tiny() {
  char* argv[] = {const_cast<char*>(tiny_program().c_str()), nullptr};
  alignas(64) char stack[16 * 1024];
  const unsigned long all = ~0UL;
  unsigned long before = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&all), as_argument(&before), kMaskBytes);
  int pidfd = -1;
  const int pid = ::clone(exec_tiny, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD,
                          argv, &pidfd);
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&before), 0, kMaskBytes);
  require(pid > 0, "clone");
  return pidfd;
}

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

void run_once() {
  const SleepingThread thread;
  const int pidfd = launch_tiny();
  pollfd readable = {pidfd, POLLIN, 0};
  require(::poll(&readable, 1, -1) == 1, "poll");
  siginfo_t info = {};
  require(::waitid(kByPidfd, static_cast<id_t>(pidfd), &info, WEXITED) == 0 && info.si_status == 0, "waitid");
  ::close(pidfd);
}

}  // namespace

double bare_run_each(int count) {
  const double total = microseconds_of([count] {
    for (int i = 0; i < count; ++i) run_once();
  });
  return total / count;
}

}  // namespace warden::benchmark

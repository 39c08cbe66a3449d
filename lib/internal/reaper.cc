#include "lib/internal/reaper.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "absl/base/config.h"
#include "lib/internal/deadline.h"
#include "lib/internal/kernel_abi.h"

namespace warden::internal {
namespace {

// The pause between looks at a child that is dead and held by a tracer: nothing tells when it is let go.
constexpr absl::Duration kFirstPause = absl::Milliseconds(1);
constexpr absl::Duration kLongestPause = absl::Milliseconds(250);

struct ThreadArguments {
  std::shared_ptr<Supervised> supervised;
  ReaperTask task;
};

// Our own table, and a pidfd in it, for a child that could not be given one in the shared table because that was full.
// -1 if that cannot be had either. The number is the child's: it is alive or its zombie is there, as a look through the
// new pidfd confirms.
int open_private_pidfd(Supervised& supervised) {
  if (::syscall(SYS_close_range, 0u, ~0u, kCloseRangeUnshare) != 0) return -1;
  const int pidfd = supervised.sys().pidfd_open(supervised.pid());
  if (pidfd < 0) return -1;
  if (supervised.sys().look({supervised.pid(), pidfd}, Reap::kLeave).error != ECHILD) return pidfd;
  supervised.sys().close_fd(pidfd);
  return -1;
}

void wait_by_pidfd(Supervised& supervised, Lock& lock, ChildId child) {
  absl::Duration pause = kFirstPause;
  while (!supervised.ended(lock)) {
    lock.unlock();
    supervised.sys().poll_readable(&child.pidfd, 1, TimePoint::max());
    lock.lock();
    if (supervised.look(lock, child)) return;
    // Readable, but not to be waited for: a blocking wait here could outlive the child's number, so look again from
    // time to time.
    supervised.wait_changed(lock, deadline_after(supervised.sys().now(), pause));
    pause = std::min(pause * 2, kLongestPause);
  }
}

void wait_by_number(Supervised& supervised, Lock& lock) {
  absl::Duration pause = kFirstPause;
  while (!supervised.ended(lock)) {  // once it has, the number may be another child's of the host
    supervised.set_reaper_waits_by_number(lock, true);
    lock.unlock();
    supervised.sys().block_until_waitable(supervised.pid());
    lock.lock();
    supervised.set_reaper_waits_by_number(lock, false);
    if (supervised.look(lock)) return;
    supervised.wait_changed(lock, deadline_after(supervised.sys().now(), pause));
    pause = std::min(pause * 2, kLongestPause);
  }
}

void reap(Supervised& supervised) {
  Lock lock(supervised.mutex());
  while (supervised.phase(lock) == Supervised::Phase::kStarting && !supervised.abandoned(lock)) {
    supervised.wait_changed(lock, TimePoint::max());
  }
  if (supervised.abandoned(lock)) return;
  ChildId child = supervised.child();
  int private_pidfd = -1;
  if (child.pidfd < 0) {
    lock.unlock();
    child.pidfd = private_pidfd = open_private_pidfd(supervised);
    lock.lock();
  }
  if (child.pidfd >= 0) {
    wait_by_pidfd(supervised, lock, child);
  } else {
    wait_by_number(supervised, lock);
  }
  if (private_pidfd >= 0) supervised.sys().close_fd(private_pidfd);
  supervised.collect_unpinned(lock);
}

extern "C" void* reaper_main(void* argument) {
  const std::unique_ptr<ThreadArguments> arguments(static_cast<ThreadArguments*>(argument));
  if (arguments->task) arguments->task();
  arguments->task = nullptr;
  reap(*arguments->supervised);
  return nullptr;
}

// What a reaper needs, above what the C library puts on every stack for itself (thread-local storage of the whole
// program).
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr std::size_t kStack = 1024 * 1024;
#else
constexpr std::size_t kStack = 64 * 1024;
#endif

// Creates with a stack of that size; 0 for the default size.
int create(pthread_t* thread, std::size_t stack, ThreadArguments* arguments) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  if (stack != 0) error = pthread_attr_setstacksize(&attributes, stack);
  if (error == 0) error = pthread_create(thread, &attributes, reaper_main, arguments);
  pthread_attr_destroy(&attributes);
  return error;
}

// A program with much thread-local storage needs more than the first size: twice as much, then the default.
int create_with_small_stack(pthread_t* thread, ThreadArguments* arguments) {
  const std::size_t first = std::max(kStack, static_cast<std::size_t>(PTHREAD_STACK_MIN));
  int error = EINVAL;
  for (const std::size_t stack : {first, 2 * first, 4 * first, std::size_t{0}}) {
    error = create(thread, stack, arguments);
    if (error != EINVAL) return error;
  }
  return error;
}

}  // namespace

int Reaper::start(std::shared_ptr<Supervised> supervised, ReaperTask task) {
  auto arguments = std::make_unique<ThreadArguments>(ThreadArguments{supervised, std::move(task)});
  // The new thread inherits the mask: no handler of the host ever runs on it. Not the raw system call: the C library's
  // own signals must stay open, or setuid(2) of the host would wait for ever.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = create_with_small_stack(&thread_, arguments.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return error;
  arguments.release();
  supervised_ = std::move(supervised);
  return 0;
}

void Reaper::finish() {
  if (supervised_ == nullptr) return;
  bool over = false;
  {
    const Lock lock(supervised_->mutex());
    over = supervised_->ended(lock) || supervised_->abandoned(lock);
  }
  if (over) {
    pthread_join(thread_, nullptr);
  } else {
    pthread_detach(thread_);
  }
  supervised_ = nullptr;
}

void Reaper::forget() {
  // Not even the last reference to the state may go: its lock may have been held at the fork.
  new std::shared_ptr<Supervised>(std::move(supervised_));
  supervised_ = nullptr;
}

Reaper::~Reaper() { finish(); }

}  // namespace warden::internal

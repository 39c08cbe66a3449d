#include "lib/os/thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include <atomic>
#include <cstddef>

#include "absl/base/config.h"
#include "lib/os/kernel_version.h"

// The mask of a new thread as an attribute (pthread_attr_setsigmask_np(3), glibc 2.32) costs no system calls.
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 32))
#define HAS_MASK_ATTRIBUTE 1
#else
#define HAS_MASK_ATTRIBUTE 0
#endif

namespace warden::internal {
namespace {

#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif

// What our threads need beside what the C library puts on every stack for itself.
constexpr std::size_t kStack = 48 * 1024;

// A guard page makes each stack two mappings, which costs a third of a thread's creation among ten thousand of them;
// stacks without one share a single mapping. The reaper runs only our code, and needs an eighth of its stack. Before
// Linux 6.7, when MAP_STACK began to rule it out, the kernel may give such a mapping huge pages, which take more memory
// than the guards.
bool is_better_without_guard(ThreadStack stack) { return stack == ThreadStack::kReaper && kernel_is_at_least(6, 7); }

// Creates with a stack of that size; 0 for the default size.
int create(pthread_t* thread, std::size_t stack, bool guard, void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  if (stack != 0) error = pthread_attr_setstacksize(&attributes, stack);
  if (error == 0 && !guard) error = pthread_attr_setguardsize(&attributes, 0);
#if HAS_MASK_ATTRIBUTE
  sigset_t all;
  sigfillset(&all);
  if (error == 0) error = pthread_attr_setsigmask_np(&attributes, &all);
#endif
  if (error == 0) error = pthread_create(thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  return error;
}

// The least stack that the C library accepts, in steps: it puts the thread-local storage of the whole program there,
// and tells nobody how much that is. 0 before the first thread. It does not change: objects that are loaded later
// (dlopen(3)) get theirs from a reserve that is counted, or from the heap.
std::atomic<std::size_t> least_stack{0};
constexpr std::size_t kStep = 16 * 1024;
constexpr std::size_t kMost = std::size_t{256} << 20;

extern "C" void* do_nothing(void*) { return nullptr; }

// Finds the least stack by creating a thread on it. 0, or the errno of pthread_create.
int find_least_stack(std::size_t* least) {
  *least = least_stack.load(std::memory_order_relaxed);
  if (*least != 0) return 0;
  pthread_t thread;
  int error = 0;
  *least = static_cast<std::size_t>(PTHREAD_STACK_MIN);
  while ((error = create(&thread, *least, /*guard=*/true, do_nothing, nullptr)) == EINVAL && *least < kMost) {
    *least += kStep;
  }
  if (error != 0) return error;
  pthread_join(thread, nullptr);
  least_stack.store(*least, std::memory_order_relaxed);
  return 0;
}

// With what our code needs beside that.
int create_with_small_stack(pthread_t* thread, bool guard, void* (*body)(void*), void* argument) {
  std::size_t least = 0;
  if (const int error = find_least_stack(&least)) return error;
  return create(thread, least + kStack, guard, body, argument);
}

}  // namespace

// Neither way blocks the C library's own signals, or the host's setuid(2) would wait for ever for this thread.
int start_thread(pthread_t* thread, void* (*body)(void*), void* argument, ThreadStack stack) {
  const auto start = [&] {
    // A sanitizer runs code of its own on each new thread, which needs more than the least stack that is accepted.
    if (kHasSanitizer || stack == ThreadStack::kDefault) return create(thread, 0, /*guard=*/true, body, argument);
    return create_with_small_stack(thread, !is_better_without_guard(stack), body, argument);
  };
#if HAS_MASK_ATTRIBUTE
  return start();
#else
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it
  const int error = start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
#endif
}

}  // namespace warden::internal

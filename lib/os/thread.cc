#include "lib/os/thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include <algorithm>
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

// What our threads need, above what the C library puts on every stack for itself (thread-local storage of the whole
// program).
constexpr std::size_t kStack = (kHasSanitizer ? 1024 : 64) * 1024;

// A guard page makes each stack two mappings, which costs a third of a thread's creation among ten thousand of them;
// stacks without one share a single mapping. The reaper runs only our code, and needs an eighth of its stack. Before
// Linux 6.7, when MAP_STACK began to rule it out, the kernel may give such a mapping huge pages, which take more memory
// than the guards.
bool is_better_without_guard(ThreadStack stack) {
  return !kHasSanitizer && stack == ThreadStack::kReaper && kernel_is_at_least(6, 7);
}

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

// A program with much thread-local storage needs more than the first size: twice, four times, then the default.
int create_with_small_stack(pthread_t* thread, bool guard, void* (*body)(void*), void* argument) {
  const std::size_t first = std::max(kStack, static_cast<std::size_t>(PTHREAD_STACK_MIN));
  int error = EINVAL;
  for (const std::size_t stack : {first, 2 * first, 4 * first, std::size_t{0}}) {
    error = create(thread, stack, guard, body, argument);
    if (error != EINVAL) return error;
  }
  return error;
}

}  // namespace

// Neither way blocks the C library's own signals, or the host's setuid(2) would wait for ever for this thread.
int start_thread(pthread_t* thread, void* (*body)(void*), void* argument, ThreadStack stack) {
  const auto start = [&] {
    if (stack == ThreadStack::kDefault) return create(thread, 0, /*guard=*/true, body, argument);
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

#include "lib/internal/thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include <algorithm>
#include <cstddef>

#include "absl/base/config.h"

namespace warden::internal {
namespace {

// What our threads need, above what the C library puts on every stack for itself (thread-local storage of the whole
// program).
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
constexpr std::size_t kStack = 1024 * 1024;
#else
constexpr std::size_t kStack = 64 * 1024;
#endif

// Creates with a stack of that size; 0 for the default size.
int create(pthread_t* thread, std::size_t stack, void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  if (stack != 0) error = pthread_attr_setstacksize(&attributes, stack);
  if (error == 0) error = pthread_create(thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  return error;
}

// A program with much thread-local storage needs more than the first size: twice as much, then the default.
int create_with_small_stack(pthread_t* thread, void* (*body)(void*), void* argument) {
  const std::size_t first = std::max(kStack, static_cast<std::size_t>(PTHREAD_STACK_MIN));
  int error = EINVAL;
  for (const std::size_t stack : {first, 2 * first, 4 * first, std::size_t{0}}) {
    error = create(thread, stack, body, argument);
    if (error != EINVAL) return error;
  }
  return error;
}

}  // namespace

int start_thread(pthread_t* thread, void* (*body)(void*), void* argument, ThreadStack stack) {
  // The new thread inherits the mask. Not the raw system call: the C library's own signals must stay open, or setuid(2)
  // of the host would wait for ever.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = stack == ThreadStack::kSmall ? create_with_small_stack(thread, body, argument)
                                                 : create(thread, 0, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

}  // namespace warden::internal

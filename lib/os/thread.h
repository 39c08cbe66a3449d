// A thread of the library's own: small, and closed to signals.
#ifndef WARDEN_LIB_OS_THREAD_H_
#define WARDEN_LIB_OS_THREAD_H_

#include <pthread.h>

namespace warden::internal {

enum class ThreadStack {
  kReaper,   // as kSmall, and cheaper by the tens of thousands: no guard page where that does no harm
  kSmall,    // for our own code
  kDefault,  // for code of the program, too
};

// Creates a thread on which no handler of the host ever runs. 0, or the errno of pthread_create.
int start_thread(pthread_t* thread, void* (*body)(void*), void* argument, ThreadStack stack = ThreadStack::kSmall);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_THREAD_H_

// Starts the library's own threads: small, with all signals blocked.
#ifndef WARDEN_LIB_OS_THREAD_H_
#define WARDEN_LIB_OS_THREAD_H_

#include <pthread.h>

namespace warden::internal {

enum class ThreadStack {
  kReaper,   // as kSmall, without a guard page where that does no harm: cheaper by the tens of thousands
  kSmall,    // for our own code
  kDefault,  // for the program's code, too
};

// Creates a thread on which no handler of the host ever runs. 0, or the errno of pthread_create.
int start_thread(pthread_t* thread, void* (*body)(void*), void* argument, ThreadStack stack = ThreadStack::kSmall);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_THREAD_H_

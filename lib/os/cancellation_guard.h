// Keeps pthread_cancel from ending the calling thread in the middle of our work; a pending request takes effect at the
// caller's next cancellation point.
#ifndef WARDEN_LIB_OS_CANCELLATION_GUARD_H_
#define WARDEN_LIB_OS_CANCELLATION_GUARD_H_

#include <pthread.h>

namespace warden::internal {

class CancellationGuard {
 public:
  CancellationGuard() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~CancellationGuard() { pthread_setcancelstate(before_, nullptr); }
  CancellationGuard(const CancellationGuard&) = delete;
  CancellationGuard& operator=(const CancellationGuard&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_CANCELLATION_GUARD_H_

#include "test/support/cancellable_thread.h"

#include <unistd.h>

#include <utility>

#include "gtest/gtest.h"

namespace warden::test_support {

CancellableThread::CancellableThread(std::function<void()> call, Request request)
    : call_(std::move(call)), request_(request) {
  ::pthread_create(&thread_, nullptr, run, this);
}

void CancellableThread::cancel() { ::pthread_cancel(thread_); }

bool CancellableThread::join() {
  void* result = nullptr;
  ::pthread_join(thread_, &result);
  return result == PTHREAD_CANCELED;
}

void* CancellableThread::run(void* argument) {
  auto& self = *static_cast<CancellableThread*>(argument);
  if (self.request_ == Request::kBeforeTheCall) ::pthread_cancel(::pthread_self());
  self.call_();
  self.completed_ = true;
  for (;;) ::pause();  // the first cancellation point after a request
}

void expect_to_complete(const std::function<void()>& call) {
  CancellableThread thread(call, CancellableThread::Request::kBeforeTheCall);
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(thread.completed());
}

}  // namespace warden::test_support

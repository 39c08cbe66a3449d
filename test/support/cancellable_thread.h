// A thread on which pthread_cancel may be called.
//
// Example:
//   CancellableThread thread([&] { child.wait(); });
//   ...
//   thread.cancel();
//   ...
//   EXPECT_TRUE(thread.join());       // it was cancelled
//   EXPECT_TRUE(thread.completed());  // but not within the call
#ifndef WARDEN_TEST_SUPPORT_CANCELLABLE_THREAD_H_
#define WARDEN_TEST_SUPPORT_CANCELLABLE_THREAD_H_

#include <pthread.h>

#include <atomic>
#include <functional>

namespace warden::test_support {

class CancellableThread {
 public:
  enum class Request { kLater, kBeforeTheCall };

  // `call` must reach no cancellation point of its own. After it the thread waits to be cancelled.
  explicit CancellableThread(std::function<void()> call, Request request = Request::kLater);
  CancellableThread(const CancellableThread&) = delete;
  CancellableThread& operator=(const CancellableThread&) = delete;

  void cancel();
  // True when it was cancelled, as it should be in the end.
  bool join();
  bool completed() const { return completed_; }

 private:
  static void* run(void* argument);

  std::function<void()> call_;
  Request request_;
  std::atomic<bool> completed_{false};
  pthread_t thread_ = {};
};

// Makes the call with a request that is there before it: it completes, and the thread is cancelled then.
void expect_to_complete(const std::function<void()>& call);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_CANCELLABLE_THREAD_H_

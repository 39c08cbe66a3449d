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

  // `call` must contain no cancellation point of its own. After the call the thread waits to be cancelled.
  explicit CancellableThread(std::function<void()> call, Request request = Request::kLater);
  CancellableThread(const CancellableThread&) = delete;
  CancellableThread& operator=(const CancellableThread&) = delete;

  void cancel();
  // Joins the thread; true when it was cancelled, as every test expects.
  bool join();
  bool completed() const { return completed_; }

 private:
  static void* run(void* argument);

  std::function<void()> call_;
  Request request_;
  std::atomic<bool> completed_{false};
  pthread_t thread_ = {};
};

// Cancels the thread before it makes the call: the call completes, and only then is the thread cancelled.
void expect_to_complete(const std::function<void()>& call);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_CANCELLABLE_THREAD_H_

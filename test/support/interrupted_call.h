// A blocking call that signals interrupt (EINTR), again and again.
//
// Example:
//   InterruptedCall call([&] { count = read(pipe, buffer, sizeof buffer); });
//   EXPECT_TRUE(call.goes_on());       // it blocks again after each signal
//   write(other_end, "x", 1);
//   call.join();
#ifndef WARDEN_TEST_SUPPORT_INTERRUPTED_CALL_H_
#define WARDEN_TEST_SUPPORT_INTERRUPTED_CALL_H_

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <functional>
#include <thread>

namespace warden::test_support {

// Makes the call on a thread of its own, where SIGUSR2 runs a handler without SA_RESTART. `call` sleeps nowhere but in
// the system call that is to be interrupted.
class InterruptedCall {
 public:
  explicit InterruptedCall(std::function<void()> call);
  ~InterruptedCall() { join(); }
  InterruptedCall(const InterruptedCall&) = delete;
  InterruptedCall& operator=(const InterruptedCall&) = delete;

  // Interrupts the sleep three times. False when the call has ended.
  bool goes_on();
  // Waits for the end of the call.
  void join();

 private:
  bool wait_asleep() const;
  void interrupt();

  struct sigaction before_ = {};
  std::atomic<pid_t> tid_{0};
  std::atomic<bool> has_ended_{false};
  std::thread thread_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_INTERRUPTED_CALL_H_

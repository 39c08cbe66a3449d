// pthread_cancel: a call on a child completes, and the thread is cancelled only afterwards.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden {
namespace {

using testing::AckPipe;
using testing::CapturedLog;
using testing::kBound;
using testing::test_command;

// A thread on which pthread_cancel may be called.
class CancellableThread {
 public:
  // `call` must reach no cancellation point of its own. `requested`: the request is there before it.
  CancellableThread(std::function<void()> call, bool requested) : call_(std::move(call)), requested_(requested) {
    ::pthread_create(&thread_, nullptr, run, this);
  }
  CancellableThread(const CancellableThread&) = delete;
  CancellableThread& operator=(const CancellableThread&) = delete;

  void cancel() { ::pthread_cancel(thread_); }
  // True when it was cancelled, as it should be in the end.
  bool join() {
    void* result = nullptr;
    ::pthread_join(thread_, &result);
    return result == PTHREAD_CANCELED;
  }
  bool completed() const { return completed_; }

 private:
  static void* run(void* argument) {
    auto& self = *static_cast<CancellableThread*>(argument);
    if (self.requested_) ::pthread_cancel(::pthread_self());
    self.call_();
    self.completed_ = true;
    for (;;) ::pause();  // the first cancellation point that may act on it
  }

  std::function<void()> call_;
  bool requested_;
  std::atomic<bool> completed_{false};
  pthread_t thread_ = {};
};

class Cancellation : public ::testing::Test {
 protected:
  // The C library takes a signal for itself with the first cancellation, before the leak listener looks.
  static void SetUpTestSuite() {
    CancellableThread thread([] {}, true);
    EXPECT_TRUE(thread.join());
  }
};

void expect_to_complete(const std::function<void()>& call) {
  CancellableThread thread(call, true);
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(thread.completed());
}

Child spawn_sleeper() { return Child::spawn(test_command({"sleep"}).stdin_from(Stdio::pipe())).value(); }

TEST_F(Cancellation, ARequestedOneLetsEveryCallComplete) {
  Child child = spawn_sleeper();
  expect_to_complete([&] { EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning); });
  expect_to_complete([&] { EXPECT_EQ(child.try_wait().value(), std::nullopt); });
  expect_to_complete([&] { EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt); });
  expect_to_complete([&] { EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value()); });
  expect_to_complete([&] { EXPECT_EQ(child.attempt_log().size(), 1u); });
  expect_to_complete([&] { EXPECT_GT(child.stdin_fd(), 2); });
  expect_to_complete([&] { child.close_stdin(); });
  EXPECT_EQ(child.stdin_fd(), -1);
  expect_to_complete([&] { child.must_not_be_terminated(); });
  expect_to_complete([&] { EXPECT_EQ(child.kill().value().signal(), Signal::kill()); });
  expect_to_complete([&] { EXPECT_EQ(child.wait().value().signal(), Signal::kill()); });
}

TEST_F(Cancellation, ARequestedOneLetsTheCallsThatCloseThePipeComplete) {
  Child waited = Child::spawn(test_command({"read"}).stdin_from(Stdio::pipe())).value();
  expect_to_complete([&] { EXPECT_EQ(waited.wait().value(), ExitStatus::exited(0)); });
  Child killed = spawn_sleeper();
  expect_to_complete([&] { EXPECT_EQ(killed.kill().value().signal(), Signal::kill()); });
  Child ended = spawn_sleeper();
  expect_to_complete([&] { EXPECT_EQ(ended.terminate(kBound, kBound).value().signal(), Signal::interrupt()); });
}

TEST_F(Cancellation, ARequestedOneLetsTheDestructorComplete) {
  CapturedLog log;
  auto child = std::make_unique<Child>(spawn_sleeper());
  const testing::Pidfd process(child->pid());
  expect_to_complete([&] { child.reset(); });
  EXPECT_TRUE(process.is_dead());
  EXPECT_EQ(log.records().size(), 1u);
  auto excused = std::make_unique<Child>(Child::spawn(test_command({"exit", "0"})).value());
  EXPECT_TRUE(excused->wait().has_value());
  expect_to_complete([&] { excused.reset(); });
}

TEST_F(Cancellation, ARequestedOneLetsAssignmentComplete) {
  CapturedLog log;
  Child first = spawn_sleeper();
  Child second = spawn_sleeper();
  const testing::Pidfd process(first.pid());
  expect_to_complete([&] { first = std::move(second); });
  EXPECT_TRUE(process.is_dead());
  EXPECT_EQ(first.kill().value().signal(), Signal::kill());
}

TEST_F(Cancellation, ARequestedOneLetsSpawnAndAdoptComplete) {
  const Command command = test_command({"sleep"}).stdin_from(Stdio::pipe());
  std::optional<Child> child;
  expect_to_complete([&] { child.emplace(Child::spawn(command).value()); });
  EXPECT_EQ(child->kill().value().signal(), Signal::kill());
  const Command missing = Command("/nonexistent/program").stdin_from(Stdio::pipe());
  expect_to_complete([&] { EXPECT_TRUE(Child::spawn(missing).has_error()); });
  expect_to_complete([&] { EXPECT_TRUE(Child::adopt(::getppid()).has_error()); });
}

TEST_F(Cancellation, DuringAWaitComesAfterIt) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"handle", "USR1", "4"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  std::atomic<bool> inside{false};
  CancellableThread thread(
      [&] {
        inside = true;
        EXPECT_EQ(child.wait().value(), ExitStatus::exited(4));
      },
      false);
  while (!inside) ::sched_yield();
  EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt);
  thread.cancel();
  EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt);
  EXPECT_FALSE(thread.completed());
  EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(thread.completed());
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(4));
}

TEST_F(Cancellation, DuringTerminateComesAfterIt) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"mark", "INT", "TERM"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  CancellableThread thread(
      [&] {
        const absl::Duration infinite = absl::InfiniteDuration();
        EXPECT_EQ(child.terminate(infinite, infinite).value().signal(), Signal::kill());
      },
      false);
  ASSERT_TRUE(ack.wait_for("got SIGINT"));
  thread.cancel();
  EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt);
  EXPECT_FALSE(thread.completed());
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(thread.completed());
  EXPECT_EQ(child.wait().value().signal(), Signal::kill());
}

}  // namespace
}  // namespace warden

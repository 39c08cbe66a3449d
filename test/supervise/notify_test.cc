// Which thread wakes which, with a real thread in a real wait: a missing notification makes these tests hang.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

// A thread that waits until it is notified or its event happens, however late. Everything else happens under the
// child's lock.
class WaitingSys : public FakeSys {
 public:
  void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, TimePoint) override {
    ++waits_;
    changed.wait(lock);
  }

  bool poll_readable(const int* fds, std::size_t count, TimePoint) override {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waits_;
    happened_.wait(lock,
                   [&] { return std::any_of(fds, fds + count, [this](int fd) { return events_.count(fd) > 0; }); });
    return true;
  }
  int make_event() override { return kFirstEvent + made_++; }
  void signal_event(int fd) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.insert(fd);
    happened_.notify_all();
  }
  void close_fd(int fd) override {
    if (fd < kFirstEvent) FakeSys::close_fd(fd);
  }

  int waits() const { return waits_; }

 private:
  static constexpr int kFirstEvent = 1000;

  std::atomic<int> waits_{0};
  std::atomic<int> made_{0};
  std::mutex mutex_;
  std::condition_variable happened_;
  std::set<int> events_;
};

// The parameter: with a pidfd, on which a terminating thread waits itself, or without.
class NotifyTest : public ::testing::TestWithParam<bool> {
 protected:
  NotifyTest() {
    const Lock lock(child_);
    child_.begin(lock, {FakeSys::kLeaderPid, GetParam() ? FakeSys::kLeaderPidfd : -1}, /*leads_group=*/true);
  }

  // Returns with the lock held while the other thread is in its wait.
  Lock lock_when_it_waits() {
    for (;;) {
      Lock lock(child_);
      if (sys_.waits() > 0) return lock;
      lock.unlock();
      std::this_thread::yield();
    }
  }
  std::thread terminate_in_a_thread(std::optional<TerminationResult>* result) {
    return std::thread([this, result] {
      Lock lock(child_);
      *result = terminate_child(child_, lock, usual());
    });
  }

  WaitingSys sys_;
  Supervised child_{sys_, "victim"};
};

TEST_P(NotifyTest, ExitThatSomebodySeesWakesEveryWaiter) {
  std::thread waiter([this] {
    Lock lock(child_);
    while (!child_.leader().ended(lock)) child_.changes().wait(lock, TimePoint::max());
  });
  Lock lock = lock_when_it_waits();
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(child_.leader().look(lock));
  lock.unlock();
  waiter.join();
}

TEST_P(NotifyTest, SecondPolicyWakesTheFirstCaller) {
  std::optional<TerminationResult> result;
  std::thread first = terminate_in_a_thread(&result);
  Lock lock = lock_when_it_waits();
  child_.escalation(lock)->join(lock, TerminationPolicy::immediate());
  lock.unlock();
  first.join();
  ASSERT_TRUE(result->has_value());
  EXPECT_EQ(result->value().ended_by, AttemptPhase::kKill);
}

TEST_P(NotifyTest, EndOfTheRunWakesTheOthersInIt) {
  sys_.leader().unkillable = true;
  std::optional<TerminationResult> result;
  std::thread first = terminate_in_a_thread(&result);
  Lock lock = lock_when_it_waits();
  const std::shared_ptr<Escalation> run = child_.escalation(lock);
  while (!run->over(lock)) {
    sys_.advance_clock(seconds(1));
    run->advance(lock);
  }
  lock.unlock();
  first.join();
  ASSERT_TRUE(result->has_error());
  EXPECT_EQ(result->error().code, Errc::kStillRunning);
}

INSTANTIATE_TEST_SUITE_P(Each, NotifyTest, ::testing::Bool(), [](const ::testing::TestParamInfo<bool>& has_pidfd) {
  return has_pidfd.param ? "ByPidfd" : "ByNumber";
});

}  // namespace
}  // namespace warden::internal

// Who wakes whom, with a real thread in a real wait: a notification that is missing makes these tests hang.
#include <thread>

#include "test/internal/escalation_fixture.h"

namespace warden::internal {
namespace {

// Waits until it is notified, however late it is. Everything else happens under the lock of the child.
class WaitingSys : public FakeSys {
 public:
  void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, TimePoint) override {
    ++waits_;
    changed.wait(lock);
  }
  int waits() const { return waits_; }

 private:
  int waits_ = 0;
};

class NotifyTest : public testing::Test {
 protected:
  NotifyTest() {
    const Lock lock(child_.mutex());
    child_.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, /*leads_group=*/true);
  }

  // Returns with the lock held and the other thread in its wait.
  Lock lock_when_it_waits() {
    for (;;) {
      Lock lock(child_.mutex());
      if (sys_.waits() > 0) return lock;
      lock.unlock();
      std::this_thread::yield();
    }
  }
  std::thread terminate_in_a_thread(std::optional<TerminationResult>* result) {
    return std::thread([this, result] {
      Lock lock(child_.mutex());
      *result = terminate_child(child_, lock, usual());
    });
  }

  WaitingSys sys_;
  Supervised child_{sys_, "victim"};
};

TEST_F(NotifyTest, ExitThatSomebodySeesWakesEveryWaiter) {
  std::thread waiter([this] {
    Lock lock(child_.mutex());
    while (!child_.ended(lock)) child_.wait_changed(lock, TimePoint::max());
  });
  Lock lock = lock_when_it_waits();
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(child_.look(lock));
  lock.unlock();
  waiter.join();
}

TEST_F(NotifyTest, SecondPolicyWakesTheFirstCaller) {
  std::optional<TerminationResult> result;
  std::thread first = terminate_in_a_thread(&result);
  Lock lock = lock_when_it_waits();
  child_.escalation(lock)->join(lock, TerminationPolicy::immediate());
  lock.unlock();
  first.join();
  ASSERT_TRUE(result->has_value());
  EXPECT_EQ(result->value().ended_by, AttemptPhase::kKill);
}

TEST_F(NotifyTest, EndOfTheRunWakesTheOthersInIt) {
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
  EXPECT_EQ(result->error().code(), Errc::kStillRunning);
}

}  // namespace
}  // namespace warden::internal

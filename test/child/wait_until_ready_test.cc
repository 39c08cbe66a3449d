// When wait_until_ready calls the predicate, and what ends its wait.
#include "lib/child/wait_until_ready.h"

#include <stdexcept>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using Kind = Readiness::Kind;

class WaitUntilReadyTest : public SimulatedChild {
 protected:
  // The predicate returns true from `ready_at` on.
  Result<Readiness, WaitError> wait(absl::Duration ready_at, absl::Duration interval, absl::Duration timeout) {
    return wait_until_ready(
        child_,
        [this, ready_at] {
          asked_.push_back(sys_.elapsed());
          return sys_.elapsed() >= ready_at;
        },
        interval, timeout);
  }

  std::vector<absl::Duration> asked_;
};

TEST_F(WaitUntilReadyTest, IsReadyAtOnceWithoutAWait) {
  begin();
  EXPECT_EQ(wait(kZero, seconds(1), kZero).value().kind, Kind::kReady);
  EXPECT_EQ(sys_.elapsed(), kZero);
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_FALSE(is_end_seen());
}

TEST_F(WaitUntilReadyTest, AsksAtOnceAndAfterEachInterval) {
  begin();
  EXPECT_TRUE(wait(ms(250), ms(100), seconds(10)).value().ready());
  EXPECT_EQ(asked_, (std::vector<absl::Duration>{kZero, ms(100), ms(200), ms(300)}));
}

TEST_F(WaitUntilReadyTest, AsksALastTimeWhenTheTimeHasPassed) {
  begin();
  EXPECT_EQ(wait(absl::InfiniteDuration(), ms(100), ms(250)).value().kind, Kind::kTimedOut);
  EXPECT_EQ(asked_, (std::vector<absl::Duration>{kZero, ms(100), ms(200), ms(250)}));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(WaitUntilReadyTest, WithAnInfiniteIntervalAsksAtBothEnds) {
  begin();
  EXPECT_EQ(wait(seconds(1), absl::InfiniteDuration(), seconds(2)).value().kind, Kind::kReady);
  EXPECT_EQ(asked_, (std::vector<absl::Duration>{kZero, seconds(2)}));
}

TEST_F(WaitUntilReadyTest, ZeroAsksOnce) {
  begin();
  EXPECT_EQ(wait(seconds(1), ms(100), kZero).value().kind, Kind::kTimedOut);
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(WaitUntilReadyTest, EndsAtTheExitAndNotAtTheNextInterval) {
  for (const bool has_pidfd : {true, false}) {
    FakeSys sys;
    Supervised child(sys, "victim");
    {
      Lock lock(child);
      child.begin(lock, {FakeSys::kLeaderPid, has_pidfd ? FakeSys::kLeaderPidfd : -1}, true);
    }
    sys.play_reaper_of(child);
    sys.at(ms(300), [&] { sys.exit(sys.leader(), ExitStatus::exited(4)); });
    int asked = 0;
    const Readiness end = wait_until_ready(
                              child, [&] { return ++asked < 0; }, seconds(10), seconds(100))
                              .value();
    EXPECT_EQ(end.kind, Kind::kExited);
    EXPECT_EQ(end.status, ExitStatus::exited(4));
    EXPECT_EQ(sys.elapsed(), ms(300));
    EXPECT_EQ(asked, 1);
    Lock lock(child);
    EXPECT_TRUE(child.is_end_seen(lock));
  }
}

TEST_F(WaitUntilReadyTest, DoesNotAskOfAChildThatHasEnded) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(4));
  EXPECT_EQ(wait(kZero, ms(100), seconds(1)).value().status, ExitStatus::exited(4));
  EXPECT_TRUE(asked_.empty());
}

TEST_F(WaitUntilReadyTest, TheTimeThatThePredicateTakesCounts) {
  begin();
  int asked = 0;
  const auto slow = [&] {
    sys_.advance_clock(seconds(2));
    return ++asked < 0;
  };
  EXPECT_EQ(wait_until_ready(child_, slow, ms(100), seconds(5)).value().kind, Kind::kTimedOut);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(sys_.elapsed(), seconds(6) + 2 * ms(100));
}

TEST_F(WaitUntilReadyTest, AnExceptionPassesThroughAndLeavesTheChildAsItWas) {
  begin();
  open_stdin();
  int asked = 0;
  const auto throws = [&asked]() -> bool {
    if (++asked == 2) throw std::runtime_error("no");
    return false;
  };
  EXPECT_THROW(wait_until_ready(child_, throws, ms(100), seconds(5)).value(), std::runtime_error);
  EXPECT_EQ(sys_.elapsed(), ms(100));
  EXPECT_FALSE(is_end_seen());
  EXPECT_TRUE(stdin_is_open());
  EXPECT_TRUE(wait(kZero, ms(100), seconds(1)).value().ready());
}

TEST_F(WaitUntilReadyTest, ThePredicateMayUseTheChild) {
  begin();
  const auto ends_it = [this] {
    Lock lock(child_);  // would block if wait_until_ready held it
    sys_.exit(sys_.leader(), ExitStatus::exited(3));
    return !child_.leader().look(lock);
  };
  EXPECT_EQ(wait_until_ready(child_, ends_it, ms(100), seconds(5)).value().status, ExitStatus::exited(3));
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(WaitUntilReadyTest, ALookThatFailsIsAnError) {
  begin();
  sys_.fail_next(FakeSys::Call::kLook, EPERM);
  EXPECT_EQ(wait(kZero, ms(100), seconds(1)).error().code, std::errc::operation_not_permitted);
  EXPECT_TRUE(asked_.empty());
}

TEST(CheckReadinessArguments, NamesWhatIsWrong) {
  const auto yes = [] { return true; };
  const auto wrong = [](const std::function<bool()>& predicate, absl::Duration interval, absl::Duration timeout) {
    const auto invalid = check_readiness_arguments(predicate, interval, timeout);
    return invalid.has_value() ? invalid->field : "";
  };
  EXPECT_EQ(wrong(nullptr, ms(1), ms(1)), "predicate");
  EXPECT_EQ(wrong(yes, kZero, ms(1)), "interval");
  EXPECT_EQ(wrong(yes, -ms(1), ms(1)), "interval");
  EXPECT_EQ(wrong(yes, ms(1), -ms(1)), "timeout");
  EXPECT_EQ(wrong(yes, -absl::InfiniteDuration(), ms(1)), "interval");
  EXPECT_EQ(wrong(yes, absl::InfiniteDuration(), absl::InfiniteDuration()), "");
  EXPECT_EQ(wrong(yes, ms(1), kZero), "");
}

}  // namespace
}  // namespace warden::internal

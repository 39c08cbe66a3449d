// Waits for the child's own exit.
#include "lib/supervise/wait_child.h"

#include "lib/os/deadline.h"
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using Waited = Result<std::optional<ExitStatus>, WaitError>;

class WaitChildTest : public SimulatedChild {
 protected:
  Waited wait_for(absl::Duration timeout) {
    Lock lock(child_);
    return wait_child(child_, lock, deadline_after(sys_.now(), timeout));
  }
  std::size_t polls() { return sys_.count(FakeSys::Call::kPoll); }
};

TEST_F(WaitChildTest, ZeroLooksOnceAndDoesNotWait) {
  begin();
  const Waited waited = wait_for(kZero);
  ASSERT_TRUE(waited.has_value());
  EXPECT_EQ(waited.value(), std::nullopt);
  EXPECT_EQ(sys_.calls().size(), 1u);
  EXPECT_FALSE(is_end_seen());
}

TEST_F(WaitChildTest, DeadlineLongPastStillLooksOnce) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(4));
  Lock lock(child_);
  const Waited waited = wait_child(child_, lock, TimePoint::min());
  ASSERT_TRUE(waited.has_value());
  EXPECT_EQ(waited.value(), ExitStatus::exited(4));
}

TEST_F(WaitChildTest, BoundedWaitEndsAtTheExit) {
  begin();
  sys_.at(ms(300), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(4)); });
  const Waited waited = wait_for(seconds(1));
  ASSERT_TRUE(waited.has_value());
  EXPECT_EQ(waited.value(), ExitStatus::exited(4));
  EXPECT_EQ(sys_.elapsed(), ms(300));
  EXPECT_TRUE(is_end_seen());
}

TEST_F(WaitChildTest, BoundedWaitEndsAtItsDeadline) {
  for (const bool has_pidfd : {true, false}) {
    FakeSys sys;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, has_pidfd ? FakeSys::kLeaderPidfd : -1}, true);
    const Waited waited = wait_child(child, lock, deadline_after(sys.now(), seconds(1)));
    ASSERT_TRUE(waited.has_value());
    EXPECT_EQ(waited.value(), std::nullopt);
    EXPECT_EQ(sys.elapsed(), seconds(1));
    EXPECT_FALSE(child.is_end_seen(lock));
  }
}

TEST_F(WaitChildTest, InfiniteWaitEndsAtTheExitHoweverLate) {
  begin();
  sys_.at(absl::Hours(24 * 365), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  const Waited waited = wait_for(absl::InfiniteDuration());
  ASSERT_TRUE(waited.has_value());
  EXPECT_EQ(waited.value(), ExitStatus::exited(0));
  EXPECT_EQ(sys_.elapsed(), absl::Hours(24 * 365));
}

TEST_F(WaitChildTest, WaiterWithoutAPidfdIsWokenByTheReaper) {
  begin(Kernel::kOld, /*leads_group=*/true, /*has_pidfd=*/false);
  sys_.at(ms(300), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(4)); });
  EXPECT_EQ(wait_for(seconds(1)).value(), ExitStatus::exited(4));
  EXPECT_EQ(polls(), 0u);
}

TEST_F(WaitChildTest, WaitLeavesStdinOpen) {
  begin();
  open_stdin();
  wait_for(ms(10)).value();
  EXPECT_TRUE(stdin_is_open());
}

// The child is dead, its pidfd readable, and a tracer holds its zombie: another poll would return at once, for ever.
TEST_F(WaitChildTest, ReadableChildThatCannotBeWaitedForDoesNotMakeTheWaitSpin) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(4));
  sys_.leader().traced = true;
  EXPECT_EQ(wait_for(seconds(1)).value(), std::nullopt);
  EXPECT_EQ(sys_.elapsed(), seconds(1));
  EXPECT_LE(polls(), 1u);
  EXPECT_LE(sys_.calls().size(), 10u);
}

TEST_F(WaitChildTest, ChildThatItsTracerLetsGoIsReportedByTheReaper) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(4));
  sys_.leader().traced = true;
  sys_.at(ms(200), [this] {
    sys_.leader().traced = false;
    Lock lock(child_);
    child_.leader().look(lock);
  });
  EXPECT_EQ(wait_for(seconds(1)).value(), ExitStatus::exited(4));
  EXPECT_EQ(sys_.elapsed(), ms(200));
}

TEST_F(WaitChildTest, LookThatFailsIsAnErrorAndChangesNothing) {
  begin();
  sys_.fail_next(FakeSys::Call::kLook, EPERM);
  const Waited waited = wait_for(seconds(1));
  ASSERT_TRUE(waited.has_error());
  EXPECT_EQ(waited.error().code, std::errc::operation_not_permitted);
  EXPECT_EQ(waited.error().process_name, "victim");
  EXPECT_FALSE(is_end_seen());
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_EQ(wait_for(seconds(1)).value(), ExitStatus::exited(0));
}

TEST_F(WaitChildTest, ExitIsReportedThoughTheGroupLivesOn) {
  begin(Kernel::kOld);
  FakeProcess& worker = sys_.add_member("worker");
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_EQ(wait_for(kZero).value(), ExitStatus::exited(0));
  EXPECT_TRUE(worker.alive());
  EXPECT_EQ(phase(), Leader::Stage::kPinned);
}

TEST_F(WaitChildTest, LostChildHasALostStatusAndNoMadeUpCode) {
  begin();
  sys_.at(ms(5), [this] { sys_.steal_zombie(); });
  const Waited waited = wait_for(seconds(1));
  ASSERT_TRUE(waited.has_value());
  EXPECT_EQ(waited.value()->kind(), ExitStatus::Kind::kLost);
  EXPECT_EQ(waited.value()->exit_code(), std::nullopt);
}

}  // namespace
}  // namespace warden::internal

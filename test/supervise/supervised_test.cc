// The published state of one child: its exit, its zombie, and which processes a signal may reach.
#include "lib/supervise/supervised.h"

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SupervisedTest : public SimulatedChild {
 protected:
  bool look() {
    Lock lock(child_);
    return child_.leader().look(lock);
  }
  int send(AttemptTarget target, int signal = SIGTERM) {
    const Lock lock(child_);
    return child_.group().send(lock, target, signal);
  }
  ExitStatus status() {
    const Lock lock(child_);
    return child_.leader().status(lock);
  }
  GroupState look_at_group(std::vector<Member>* live) {
    const Lock lock(child_);
    ProcessTable table(sys_);
    return child_.group().look(lock, table, live);
  }
  void release() {
    const Lock lock(child_);
    child_.leader().unpin(lock);
  }
};

TEST_F(SupervisedTest, RunningChildHasNoEndAndNoError) {
  begin();
  EXPECT_FALSE(look());
  const Lock lock(child_);
  EXPECT_FALSE(child_.leader().ended(lock));
  EXPECT_EQ(child_.leader().look_error(lock), 0);
}

TEST_F(SupervisedTest, StatusIsPublishedOnceAndNeverChanges) {
  for (const Kernel kernel : {Kernel::kNew, Kernel::kOld}) {
    FakeSys sys;
    sys.pidfd_group_signals = kernel == Kernel::kNew;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    sys.exit(sys.leader(), ExitStatus::exited(6));
    EXPECT_TRUE(child.leader().look(lock));
    const std::size_t calls = sys.calls().size();
    sys.steal_zombie();
    sys.fail_next(FakeSys::Call::kLook, EPERM);
    EXPECT_TRUE(child.leader().look(lock));
    EXPECT_EQ(child.leader().status(lock), ExitStatus::exited(6));
    EXPECT_EQ(child.leader().look_error(lock), 0);
    EXPECT_EQ(sys.calls().size(), calls) << "the kernel was asked again";
    child.leader().unpin(lock);
    EXPECT_EQ(child.leader().status(lock), ExitStatus::exited(6));
  }
}

TEST_F(SupervisedTest, LookErrorLastsUntilTheNextLook) {
  begin();
  sys_.fail_next(FakeSys::Call::kLook, EPERM);
  EXPECT_FALSE(look());
  {
    const Lock lock(child_);
    EXPECT_EQ(child_.leader().look_error(lock), EPERM);
  }
  EXPECT_FALSE(look());
  const Lock lock(child_);
  EXPECT_EQ(child_.leader().look_error(lock), 0);
}

TEST_F(SupervisedTest, NothingIsSentBeforeThereIsAChild) {
  EXPECT_EQ(send(AttemptTarget::kGroup), ESRCH);
  EXPECT_EQ(send(AttemptTarget::kLeader), ESRCH);
  {
    const Lock lock(child_);
    child_.leader().abandon(lock);
  }
  EXPECT_EQ(send(AttemptTarget::kGroup), ESRCH);
  EXPECT_EQ(send(AttemptTarget::kLeader), ESRCH);
  EXPECT_THAT(sys_.calls(), IsEmpty());
}

TEST_F(SupervisedTest, LeaderThatHasEndedTakesNoSignal) {
  begin(Kernel::kOld);
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(look());
  EXPECT_EQ(send(AttemptTarget::kLeader), 0);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(SupervisedTest, GroupIsSignalledByNumberOnlyWhileTheZombiePinsIt) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  EXPECT_EQ(send(AttemptTarget::kGroup), 0);
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(look());
  EXPECT_EQ(phase(), Leader::Stage::kPinned);
  EXPECT_EQ(send(AttemptTarget::kGroup), 0);
  release();
  EXPECT_EQ(phase(), Leader::Stage::kReaped);
  sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  EXPECT_EQ(send(AttemptTarget::kGroup), ESRCH);
  EXPECT_THAT(sys_.signals(), ElementsAre("kill_group SIGTERM", "kill_group SIGTERM"));
}

TEST_F(SupervisedTest, LostChildsNumberIsNeverUsed) {
  for (const bool has_pidfd : {true, false}) {
    FakeSys sys;
    sys.pidfd_group_signals = false;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, has_pidfd ? FakeSys::kLeaderPidfd : -1}, true);
    sys.steal_zombie();
    sys.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
    EXPECT_TRUE(child.leader().look(lock));
    EXPECT_EQ(child.leader().stage(lock), Leader::Stage::kLost);
    EXPECT_EQ(child.group().send(lock, AttemptTarget::kGroup, SIGKILL), ESRCH);
    EXPECT_EQ(child.group().send(lock, AttemptTarget::kLeader, SIGKILL), 0);
    EXPECT_FALSE(child.group().leader_has_moved(lock));
    EXPECT_THAT(sys.signals(), IsEmpty());
  }
}

// As with SIGCHLD ignored: the child counts as running until the library looks.
TEST_F(SupervisedTest, NumberOfAChildThatWasTakenBeforeAnybodyLookedIsNotUsed) {
  for (const bool has_pidfd : {true, false}) {
    FakeSys sys;
    sys.pidfd_group_signals = false;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, has_pidfd ? FakeSys::kLeaderPidfd : -1}, true);
    sys.steal_zombie();
    sys.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
    EXPECT_EQ(child.leader().stage(lock), Leader::Stage::kRunning);
    EXPECT_EQ(child.group().send(lock, AttemptTarget::kGroup, SIGKILL), ESRCH);
    if (!has_pidfd) {
      EXPECT_EQ(child.group().send(lock, AttemptTarget::kLeader, SIGKILL), 0);
    }
    EXPECT_THAT(sys.signals(), IsEmpty());
  }
}

TEST_F(SupervisedTest, ReapedLeadersGroupIsReachedThroughThePidfd) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(look());
  sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  EXPECT_EQ(send(AttemptTarget::kGroup, SIGKILL), 0);
  EXPECT_FALSE(worker.alive());
  EXPECT_EQ(send(AttemptTarget::kGroup, SIGKILL), ESRCH);
}

TEST_F(SupervisedTest, GroupThatWeAreInIsNotSignalledAndItsLeaderIs) {
  begin();
  sys_.own_group = FakeSys::kLeaderPid;
  FakeProcess& us = sys_.add_member("us");
  EXPECT_EQ(send(AttemptTarget::kGroup, SIGKILL), 0);
  EXPECT_FALSE(sys_.leader().alive());
  EXPECT_TRUE(us.alive());
}

TEST_F(SupervisedTest, EmptyGroupStaysEmpty) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(look());
  std::vector<Member> live;
  EXPECT_EQ(look_at_group(&live), GroupState::kEmpty);
  sys_.proc_visible = false;
  sys_.add_member("of another's group with a recycled number");
  EXPECT_EQ(look_at_group(&live), GroupState::kEmpty);
  EXPECT_THAT(live, IsEmpty());
}

TEST_F(SupervisedTest, MembersOfALostLeadersNumberAreNotClaimed) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.steal_zombie();
  EXPECT_TRUE(look());
  std::vector<Member> live;
  EXPECT_EQ(look_at_group(&live), GroupState::kUnknown);
  EXPECT_THAT(live, IsEmpty());
}

TEST_F(SupervisedTest, GroupThatIsGoneAfterTheScanIsEmptyWhoeverWasFound) {
  begin();
  sys_.init_delay = absl::Hours(1);
  FakeProcess& worker = sys_.add_member("worker");
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(look());
  sys_.during_next_signal = [&] {  // the probe before the scan: a zombie is left; then the number is given away
    worker.state = FakeProcess::State::kGone;
    sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  };
  std::vector<Member> live;
  EXPECT_EQ(look_at_group(&live), GroupState::kEmpty);
  EXPECT_THAT(live, IsEmpty());
}

TEST_F(SupervisedTest, ZombieIsLeftWhileTheReaperWaitsByNumber) {
  begin(Kernel::kNew, /*leads_group=*/false, /*has_pidfd=*/false);
  Lock lock(child_);
  {
    const Leader::ReaperWaits waits(child_.leader(), lock, Leader::ReaperWaits::By::kNumber);
    sys_.exit(sys_.leader(), ExitStatus::exited(0));
    EXPECT_TRUE(look());
    release();
    EXPECT_EQ(sys_.count(FakeSys::Call::kReap), 0u);
    EXPECT_EQ(phase(), Leader::Stage::kPinned);
  }
  child_.leader().collect_unpinned(lock);
  EXPECT_EQ(child_.leader().stage(lock), Leader::Stage::kReaped);
  EXPECT_EQ(sys_.count(FakeSys::Call::kReap), 1u);
}

TEST_F(SupervisedTest, ReleaseBeforeTheEndReapsAtTheEnd) {
  begin(Kernel::kOld);
  release();
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(look());
  EXPECT_EQ(phase(), Leader::Stage::kReaped);
}

TEST_F(SupervisedTest, ZombieThatIsStolenFromItsPinIsLostAndKeepsItsStatus) {
  begin(Kernel::kOld);
  sys_.exit(sys_.leader(), ExitStatus::exited(9));
  EXPECT_TRUE(look());
  sys_.steal_zombie();
  release();
  EXPECT_EQ(phase(), Leader::Stage::kLost);
  EXPECT_EQ(status(), ExitStatus::exited(9));
}

TEST_F(SupervisedTest, MovedLeaderIsNoticedWhileItRuns) {
  begin();
  const Lock lock(child_);
  EXPECT_FALSE(child_.group().leader_has_moved(lock));
  sys_.leader().group = 900;
  EXPECT_TRUE(child_.group().leader_has_moved(lock));
}

TEST_F(SupervisedTest, PidfdIsClosedOnceAtTheEndOfSupervision) {
  FakeSys sys;
  {
    Supervised child(sys, "victim");
    const Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
  }
  EXPECT_EQ(sys.count(FakeSys::Call::kCloseFd), 1u);
  EXPECT_THAT(sys.violations(), IsEmpty());
}

}  // namespace
}  // namespace warden::internal

// What the destructor of a handle does.
#include "lib/child/end_of_handle.h"

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class DestructionTest : public ::testing::Test {
 protected:
  DestructionTest() {
    handle_.supervised = std::make_shared<Supervised>(sys_, "victim");
    const Lock lock(*handle_.supervised);
    handle_.supervised->begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
  }
  void TearDown() override { EXPECT_THAT(sys_.violations(), IsEmpty()); }

  // Does what Child::terminate_on_destruction does.
  void set_policy(TerminationPolicy policy) {
    handle_.terminate_on_destruction(Lock(*handle_.supervised), std::move(policy));
    sys_.play_reaper_of(*handle_.supervised);
  }

  FakeSys sys_;
  LogCapture messages_;
  Handle handle_;
};

TEST_F(DestructionTest, GroupIsKilledAndTheMistakeReported) {
  FakeProcess& worker = sys_.add_member("worker");
  end_handle(handle_);
  EXPECT_FALSE(sys_.leader().alive());
  EXPECT_FALSE(worker.alive());
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGKILL"));
  EXPECT_THAT(messages_.messages(),
              ElementsAre(AllOf(StartsWith("ERROR victim: "), HasSubstr("detach_on_destruction"))));
}

TEST_F(DestructionTest, ChildThatHasEndedUnseenIsAMistakeToo) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  end_handle(handle_);
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_EQ(messages_.messages().size(), 1u);
}

TEST_F(DestructionTest, DetachedChildIsLeftAlone) {
  handle_.on_destruction = OnDestruction::kDetach;
  end_handle(handle_);
  EXPECT_TRUE(sys_.leader().alive());
  EXPECT_THAT(sys_.calls(), IsEmpty());
  EXPECT_THAT(messages_.messages(), IsEmpty());
}

TEST_F(DestructionTest, PinOfADetachedChildIsLetGo) {
  sys_.pidfd_group_signals = false;
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  {
    Lock lock(*handle_.supervised);
    handle_.supervised->leader().look(lock);
  }
  handle_.on_destruction = OnDestruction::kDetach;
  end_handle(handle_);
  EXPECT_EQ(sys_.leader().state, FakeProcess::State::kGone);
}

TEST_F(DestructionTest, UnkillableChildBlocksForThreeSecondsAndIsReportedWithItsAttempts) {
  sys_.leader().unkillable = true;
  end_handle(handle_);
  EXPECT_EQ(sys_.elapsed(), absl::Seconds(3));
  ASSERT_FALSE(messages_.messages().empty());
  EXPECT_THAT(messages_.messages().back(), AllOf(StartsWith("ERROR victim: "), HasSubstr("SIGKILL to group: ok")));
}

TEST_F(DestructionTest, PolicyIsCarriedOutStepByStep) {
  FakeProcess& worker = sys_.add_member("worker");
  set_policy(usual());
  end_handle(handle_);
  EXPECT_FALSE(sys_.leader().alive());
  EXPECT_FALSE(worker.alive());
  EXPECT_EQ(sys_.elapsed(), seconds(3));
  EXPECT_THAT(sys_.signals(),
              ElementsAre("pidfd_kill_group SIGINT", "pidfd_kill_group SIGCONT", "pidfd_kill_group SIGTERM",
                          "pidfd_kill_group SIGCONT", "pidfd_kill_group SIGKILL"));
  EXPECT_THAT(messages_.messages(), ::testing::Each(StartsWith("WARN "))) << "no mistake";
}

TEST_F(DestructionTest, PolicyStopsAtTheSignalThatEndsTheChild) {
  sys_.leader().dies_of(SIGTERM, ms(10));
  set_policy(TerminationPolicy::service(seconds(60)));
  end_handle(handle_);
  EXPECT_EQ(sys_.elapsed(), ms(10));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGTERM", "pidfd_kill_group SIGCONT"));
  EXPECT_THAT(messages_.messages(), IsEmpty());
}

TEST_F(DestructionTest, PolicyOfADetachedChildSendsNothing) {
  set_policy(usual());
  handle_.on_destruction = OnDestruction::kDetach;
  end_handle(handle_);
  EXPECT_TRUE(sys_.leader().alive());
  EXPECT_THAT(sys_.calls(), IsEmpty());
  EXPECT_THAT(messages_.messages(), IsEmpty());
}

TEST_F(DestructionTest, PolicyForAChildThatHasEndedUnseenSendsNothingAndReportsNothing) {
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  set_policy(usual());
  end_handle(handle_);
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_EQ(sys_.elapsed(), kZero);
  EXPECT_EQ(sys_.leader().state, FakeProcess::State::kGone);
  EXPECT_THAT(messages_.messages(), IsEmpty());
}

TEST_F(DestructionTest, ChildThatThePolicyCannotEndIsKilledOnceMoreAndReported) {
  sys_.leader().unkillable = true;
  set_policy(TerminationPolicy::service(seconds(1)));
  end_handle(handle_);
  EXPECT_EQ(sys_.elapsed(), seconds(1 + 3 + 3));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGTERM", "pidfd_kill_group SIGCONT",
                                          "pidfd_kill_group SIGKILL", "pidfd_kill_group SIGKILL"));
  ASSERT_FALSE(messages_.messages().empty());
  EXPECT_THAT(messages_.messages().back(), AllOf(StartsWith("ERROR victim: destroyed"), HasSubstr("SIGKILL to group")));
}

TEST_F(DestructionTest, MemberThatThePolicyCannotEndIsReported) {
  sys_.add_member("worker").unkillable = true;
  sys_.leader().dies_of(SIGTERM);
  set_policy(TerminationPolicy::service(seconds(1)));
  end_handle(handle_);
  EXPECT_FALSE(sys_.leader().alive());
  ASSERT_FALSE(messages_.messages().empty());
  EXPECT_THAT(messages_.messages().back(), AllOf(StartsWith("ERROR victim: destroyed"), HasSubstr("worker")));
}

TEST_F(DestructionTest, ChildThatOnlyTheSecondKillEndsIsReportedWithoutAnError) {
  sys_.leader().unkillable = true;
  sys_.at(seconds(5), [&] { sys_.exit(sys_.leader(), ExitStatus::signaled(Signal::kill(), false)); });
  set_policy(TerminationPolicy::service(seconds(1)));
  end_handle(handle_);
  EXPECT_FALSE(sys_.leader().alive());
  ASSERT_FALSE(messages_.messages().empty());
  EXPECT_THAT(messages_.messages().back(), AllOf(StartsWith("ERROR victim: destroyed"), ::testing::EndsWith("| ")));
}

}  // namespace
}  // namespace warden::internal

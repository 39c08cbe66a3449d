// The escalation: when it reaps the zombie, and by what name it may signal before and after that.
#include <algorithm>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class EscalationReapTest : public SimulatedChild {
 protected:
  // Counts the calls of that kind before the zombie was reaped, and after.
  std::pair<std::size_t, std::size_t> around_the_reap(FakeSys::Call call) {
    const auto& calls = sys_.calls();
    const auto reap = std::find_if(calls.begin(), calls.end(),
                                   [](const FakeSys::Record& record) { return record.call == FakeSys::Call::kReap; });
    const auto is_call = [call](const FakeSys::Record& record) { return record.call == call; };
    return {std::count_if(calls.begin(), reap, is_call), std::count_if(reap, calls.end(), is_call)};
  }
};

TEST_F(EscalationReapTest, NewKernelReapsAtTheFirstLookAndSignalsTheGroupThroughThePidfd) {
  begin();
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT, ms(1));
  bool reaped = false;
  sys_.at(ms(2), [&] { reaped = phase() == Leader::Stage::kReaped; });
  report_of(usual());
  EXPECT_TRUE(reaped);
  EXPECT_THAT(sys_.signals(), Each(StartsWith("pidfd_kill_group ")));
  EXPECT_EQ(sys_.count(FakeSys::Call::kKillGroup), 0u);
}

TEST_F(EscalationReapTest, OldKernelKeepsTheZombieUntilTheGroupIsEmpty) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT, ms(1));
  std::vector<Leader::Stage> seen;
  for (const int time : {2, 999, 1500, 2999}) sys_.at(ms(time), [&] { seen.push_back(phase()); });
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(seen, ElementsAre(Leader::Stage::kPinned, Leader::Stage::kPinned, Leader::Stage::kPinned,
                                Leader::Stage::kPinned));
  EXPECT_EQ(phase(), Leader::Stage::kReaped);
  EXPECT_EQ(sys_.leader().state, FakeProcess::State::kGone);
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
  EXPECT_EQ(sys_.count(FakeSys::Call::kReap), 1u);
  EXPECT_EQ(sys_.calls().back().call, FakeSys::Call::kReap);
}

TEST_F(EscalationReapTest, OldKernelSignalsTheGroupByNumberOnlyWhilePinned) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT, ms(1));
  report_of(usual());
  EXPECT_EQ(around_the_reap(FakeSys::Call::kKillGroup), std::make_pair(std::size_t{5}, std::size_t{0}));
  EXPECT_THAT(sys_.signals(), Each(StartsWith("kill_group ")));
}

TEST_F(EscalationReapTest, FailedRunOnAnOldKernelKeepsThePin) {
  begin(Kernel::kOld);
  FakeProcess& worker = sys_.add_member("worker");
  worker.unkillable = true;
  EXPECT_EQ(error_of(usual()).code, Errc::kSurvivors);
  EXPECT_EQ(phase(), Leader::Stage::kPinned);
  worker.unkillable = false;
  report_of(usual());
  EXPECT_EQ(phase(), Leader::Stage::kReaped);
}

TEST_F(EscalationReapTest, LeaderOnlySuccessOnAnOldKernelKeepsThePinForTheRestOfTheGroup) {
  begin(Kernel::kOld);
  FakeProcess& worker = sys_.add_member("worker");
  TerminationPolicy policy = TerminationPolicy::immediate();
  policy.leader_only = true;
  report_of(policy);
  EXPECT_EQ(phase(), Leader::Stage::kPinned);
  EXPECT_TRUE(worker.alive());
  report_of(TerminationPolicy::immediate());
  EXPECT_FALSE(worker.alive());
  EXPECT_EQ(phase(), Leader::Stage::kReaped);
}

TEST_F(EscalationReapTest, ChildWithoutAPidfdIsHandledByItsPinnedNumber) {
  begin(Kernel::kNew, /*leads_group=*/true, /*has_pidfd=*/false);
  sys_.add_member("worker").dies_of(SIGTERM);
  report_of(usual());
  EXPECT_THAT(sys_.signals(), Each(StartsWith("kill_group ")));
  EXPECT_EQ(sys_.calls().back().call, FakeSys::Call::kReap);
}

// The wait uses the pidfd, not the reaper.
TEST_F(EscalationReapTest, ThreadThatTerminatesWaitsForTheExitItself) {
  begin();
  sys_.leader().dies_of(SIGINT, ms(20));
  report_of(usual());
  EXPECT_EQ(sys_.elapsed(), ms(20));
  EXPECT_EQ(sys_.count(FakeSys::Call::kPoll), 1u);
}

// A tracer holds the zombie: the child is dead and cannot be reaped.
TEST_F(EscalationReapTest, ZombieThatATracerHoldsIsAnErrorAndDoesNotMakeTheRunSpin) {
  begin();
  sys_.leader().traced = true;
  EXPECT_EQ(error_of(usual()).code, Errc::kStillRunning) << "nothing tells who the tracer is";
  EXPECT_EQ(sys_.elapsed(), seconds(6));
  EXPECT_LE(sys_.calls().size(), 100u);
  EXPECT_EQ(sys_.count(FakeSys::Call::kPoll), 3u) << "one for each phase";
}

}  // namespace
}  // namespace warden::internal

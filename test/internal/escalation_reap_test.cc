// The phase machine: when the zombie is collected, and what a signal may use as a name before and
// after.
#include <algorithm>

#include <functional>

#include "test/internal/escalation_fixture.h"

namespace warden::internal {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class EscalationReapTest : public EscalationTest {
 protected:
  // From now on, in each reading of /proc, a stranger is listed who has ended when he is to be read.
  void be_busy() {
    FakeProcess& stranger = sys_.recycle(next_stranger_, next_stranger_);
    ++next_stranger_;
    sys_.during_next_listing = [this, &stranger] {
      stranger.state = FakeProcess::State::kGone;
      be_busy();
    };
  }

  // The number of calls of that kind before the zombie was collected, and after.
  std::pair<std::size_t, std::size_t> around_the_reap(FakeSys::Call call) {
    const auto& calls = sys_.calls();
    const auto reap = std::find_if(calls.begin(), calls.end(),
                                   [](const FakeSys::Record& record) { return record.call == FakeSys::Call::kReap; });
    const auto is_call = [call](const FakeSys::Record& record) { return record.call == call; };
    return {std::count_if(calls.begin(), reap, is_call), std::count_if(reap, calls.end(), is_call)};
  }

 private:
  int next_stranger_ = 5000;
};

TEST_F(EscalationReapTest, NewKernelReapsAtTheFirstLookAndSignalsTheGroupThroughThePidfd) {
  begin();
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT, ms(1));
  bool reaped = false;
  sys_.at(ms(2), [&] { reaped = phase() == Supervised::Phase::kReaped; });
  report_of(usual());
  EXPECT_TRUE(reaped);
  EXPECT_THAT(sys_.signals(), Each(StartsWith("pidfd_kill_group ")));
  EXPECT_EQ(sys_.count(FakeSys::Call::kKillGroup), 0u);
}

TEST_F(EscalationReapTest, OldKernelKeepsTheZombieUntilTheGroupIsEmpty) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT, ms(1));
  std::vector<Supervised::Phase> seen;
  for (const int time : {2, 999, 1500, 2999}) sys_.at(ms(time), [&] { seen.push_back(phase()); });
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(seen, ElementsAre(Supervised::Phase::kPinned, Supervised::Phase::kPinned, Supervised::Phase::kPinned,
                                Supervised::Phase::kPinned));
  EXPECT_EQ(phase(), Supervised::Phase::kReaped);
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
  EXPECT_EQ(error_of(usual()).code(), Errc::kSurvivors);
  EXPECT_EQ(phase(), Supervised::Phase::kPinned);
  worker.unkillable = false;
  report_of(usual());
  EXPECT_EQ(phase(), Supervised::Phase::kReaped);
}

TEST_F(EscalationReapTest, LeaderOnlySuccessOnAnOldKernelKeepsThePinForTheRestOfTheGroup) {
  begin(Kernel::kOld);
  FakeProcess& worker = sys_.add_member("worker");
  TerminationPolicy policy = TerminationPolicy::immediate();
  policy.leader_only = true;
  report_of(policy);
  EXPECT_EQ(phase(), Supervised::Phase::kPinned);
  EXPECT_TRUE(worker.alive());
  report_of(TerminationPolicy::immediate());
  EXPECT_FALSE(worker.alive());
  EXPECT_EQ(phase(), Supervised::Phase::kReaped);
}

TEST_F(EscalationReapTest, ChildWithoutAPidfdIsHandledByItsPinnedNumber) {
  begin(Kernel::kNew, /*leads_group=*/true, /*has_pidfd=*/false);
  sys_.add_member("worker").dies_of(SIGTERM);
  report_of(usual());
  EXPECT_THAT(sys_.signals(), Each(StartsWith("kill_group ")));
  EXPECT_EQ(sys_.calls().back().call, FakeSys::Call::kReap);
}

TEST_F(EscalationReapTest, LostLeaderWithItsStatusInTheKernelIsAnOrdinaryEnd) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.steal_zombie();
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::exited(7));
  EXPECT_EQ(phase(), Supervised::Phase::kLost);
  EXPECT_EQ(sys_.elapsed(), kZero);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationReapTest, StatusThatTheKernelHasOnlyAfterSomeTriesIsFound) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 3;
  sys_.steal_zombie();
  EXPECT_EQ(report_of(usual()).status, ExitStatus::exited(7));
  EXPECT_EQ(sys_.count(FakeSys::Call::kExitInfo), 4u);
  EXPECT_LE(sys_.elapsed(), ms(1));
}

TEST_F(EscalationReapTest, StatusThatTheKernelNeverHasIsLostAfterASecond) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 1'000'000;
  sys_.steal_zombie();
  EXPECT_EQ(report_of(usual()).status.kind(), ExitKind::kLost);
  EXPECT_EQ(sys_.elapsed(), seconds(1));
}

TEST_F(EscalationReapTest, KernelThatKeepsNoStatusIsNotAskedAgain) {
  begin();
  sys_.exit_info_error = ENOTTY;
  sys_.steal_zombie();
  EXPECT_EQ(report_of(usual()).status, ExitStatus::lost());
  EXPECT_EQ(sys_.count(FakeSys::Call::kExitInfo), 1u);
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(EscalationReapTest, LostLeaderOnAnOldKernelWithAnEmptyGroupIsASuccess) {
  begin(Kernel::kOld);
  sys_.steal_zombie();
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::lost());
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationReapTest, LostLeaderOnANewKernelStillHasItsGroupEnded) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.steal_zombie();
  sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  report_of(usual());
  EXPECT_FALSE(worker.alive());
}

TEST_F(EscalationReapTest, LostLeaderOnAnOldKernelWithSurvivorsIsUnknownAndNobodyIsSignalledByNumber) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.steal_zombie();
  sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code(), Errc::kGroupUnknown);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationReapTest, MembersOfALostLeadersMarkedGroupAreEndedOneByOne) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  FakeProcess& worker = sys_.add_member("worker").dies_of(SIGTERM);
  FakeProcess& stubborn = sys_.add_member("stubborn");
  sys_.steal_zombie();
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::lost());
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
  EXPECT_FALSE(worker.alive());
  EXPECT_FALSE(stubborn.alive());
  EXPECT_THAT(sys_.signals(), Each(StartsWith("pidfd_kill_process ")));
}

// On a busy machine somebody always ends between being listed and being read, and nobody can tell of which group he
// was.
TEST_F(EscalationReapTest, MarkedGroupOnABusyMachineIsKnownEmptyAfterSomeLooks) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  sys_.leader().dies_of(SIGTERM);
  be_busy();
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 100u) << "five looks of twenty readings";
  EXPECT_LE(sys_.elapsed(), ms(80));
  EXPECT_EQ(phase(), Supervised::Phase::kReaped);
}

// The same where a member was seen: its group may fork all the time, so the zombie stays until SIGKILL has gone to all.
TEST_F(EscalationReapTest, MarkedGroupOfSeveralOnABusyMachineIsKnownEmptyAfterTheKill) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  sys_.leader().dies_of(SIGTERM);
  FakeProcess& worker = sys_.add_member("worker");
  be_busy();
  sys_.at(ms(300), [&] { sys_.exit(worker, ExitStatus::exited(0)); });
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_THAT(lines_of(report.attempts), testing::Contains("@1s sweep send_signal SIGKILL group: ok"));
  EXPECT_EQ(sys_.elapsed(), seconds(1));
}

// The readings miss a member that is born behind each; the mark does not.
TEST_F(EscalationReapTest, MarkedGroupThatForksBehindTheReadingsIsNotTakenForEmpty) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  FakeProcess* born = &sys_.add_member("parent");
  sys_.leader().dies_of(SIGTERM);
  int times = 120;
  std::function<void()> fork_and_end = [&] {
    FakeProcess* const parent = born;
    born = &sys_.add_member("born");
    parent->state = FakeProcess::State::kGone;
    if (--times > 0) sys_.during_next_listing = fork_and_end;
  };
  sys_.during_next_listing = fork_and_end;
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(born->alive());
  EXPECT_THAT(report.survivors, testing::ElementsAre(Survivor{born->pid, "born"}));
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
}

TEST_F(EscalationReapTest, MembersBornWhileOthersAreKilledOneByOneAreKilledToo) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.steal_zombie();
  FakeProcess* born = nullptr;
  sys_.before_next_pidfd_open = [&] { born = &sys_.add_member("born"); };
  report_of(TerminationPolicy::immediate());
  EXPECT_FALSE(born->alive());
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(EscalationReapTest, EmptyMarkedGroupOfALostLeaderNeedsNoReadingOfProc) {
  sys_.group_marks = true;
  sys_.proc_visible = false;
  begin(Kernel::kOld);
  sys_.steal_zombie();
  report_of(usual());
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 0u);
}

// The group is gone, and strangers have its number and that of its member.
TEST_F(EscalationReapTest, StrangersWithTheNumbersOfAMarkedGroupAreNeverSignalled) {
  for (const bool before_the_run : {true, false}) {
    FakeSys sys;
    sys.pidfd_group_signals = false;
    sys.group_marks = true;
    FakeProcess& worker = sys.add_member("worker");
    Supervised child(sys, "victim");
    Lock lock(child.mutex());
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    sys.steal_zombie();
    const auto give_away = [&] {
      worker.state = FakeProcess::State::kGone;
      sys.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
      sys.recycle(worker.pid, FakeSys::kLeaderPid);
    };
    sys.recycle(5000, FakeSys::kLeaderPid);  // who was in the reading because it came too late
    if (before_the_run) give_away();
    sys.before_next_pidfd_open = give_away;  // between the reading and the signal
    const TerminationResult result = terminate_child(child, lock, usual());
    ASSERT_TRUE(result.has_value()) << result.error();
    EXPECT_THAT(sys.signals(), IsEmpty());
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

// The mark was made by number after the number had been given away.
TEST_F(EscalationReapTest, MarkOfANumberThatWasNotOursAnyMoreDoesNotCount) {
  sys_.group_marks = true;
  sys_.steal_zombie();
  begin(Kernel::kOld);
  sys_.add_member("of another's group");
  EXPECT_EQ(error_of(usual()).code(), Errc::kGroupUnknown);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationReapTest, PinThatAThiefTakesIsNoticedBeforeTheNextSignal) {
  for (const bool marks : {false, true}) {
    FakeSys sys;
    sys.pidfd_group_signals = false;
    sys.group_marks = marks;
    FakeProcess& worker = sys.add_member("worker");
    Supervised child(sys, "victim");
    Lock lock(child.mutex());
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    sys.exit(sys.leader(), ExitStatus::exited(3));
    EXPECT_TRUE(child.look(lock));
    EXPECT_EQ(child.phase(lock), Supervised::Phase::kPinned);
    sys.steal_zombie();
    const TerminationResult result = terminate_child(child, lock, usual());
    EXPECT_EQ(result.has_value(), marks);
    EXPECT_EQ(worker.alive(), !marks);
    EXPECT_EQ(child.status(lock), ExitStatus::exited(3));
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

TEST_F(EscalationReapTest, ThiefInTheMiddleOfARunEndsItWithoutASignalByNumber) {
  for (const Kernel kernel : {Kernel::kNew, Kernel::kOld}) {
    FakeSys sys;
    sys.pidfd_group_signals = kernel == Kernel::kNew;
    Supervised child(sys, "victim");
    Lock lock(child.mutex());
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    sys.at(ms(500), [&] {
      sys.steal_zombie();
      sys.recycle(FakeSys::kLeaderPid, 900);
    });
    const TerminationResult result = terminate_child(child, lock, usual());
    ASSERT_TRUE(result.has_value()) << result.error();
    EXPECT_EQ(result.value().status, ExitStatus::lost());
    EXPECT_EQ(sys.elapsed(), ms(500));
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

// A tracer holds the zombie: the child is dead, and nobody can wait for it.
TEST_F(EscalationReapTest, ZombieThatATracerHoldsIsAnErrorAndDoesNotMakeTheRunSpin) {
  begin();
  sys_.leader().traced = true;
  EXPECT_EQ(error_of(usual()).code(), Errc::kStillRunning) << "nothing tells who the tracer is";
  EXPECT_EQ(sys_.elapsed(), seconds(6));
  EXPECT_LE(sys_.calls().size(), 100u);
}

}  // namespace
}  // namespace warden::internal

// The escalation where another wait has taken the zombie, or may have taken it.
#include <errno.h>

#include <functional>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class EscalationLostTest : public SimulatedChild {};

TEST_F(EscalationLostTest, LostLeaderWithItsStatusInTheKernelIsAnOrdinaryEnd) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.steal_zombie();
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::exited(7));
  EXPECT_EQ(phase(), Leader::Stage::kLost);
  EXPECT_EQ(sys_.elapsed(), kZero);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationLostTest, StatusThatTheKernelHasOnlyAfterSomeTriesIsFound) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 3;
  sys_.steal_zombie();
  EXPECT_EQ(report_of(usual()).status, ExitStatus::exited(7));
  EXPECT_EQ(sys_.count(FakeSys::Call::kExitInfo), 4u);
  EXPECT_LE(sys_.elapsed(), ms(1));
}

TEST_F(EscalationLostTest, StatusThatTheKernelNeverHasIsLostAfterASecond) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 1'000'000;
  sys_.steal_zombie();
  EXPECT_EQ(report_of(usual()).status.kind(), ExitStatus::Kind::kLost);
  EXPECT_EQ(sys_.elapsed(), seconds(1));
}

TEST_F(EscalationLostTest, KernelThatKeepsNoStatusIsNotAskedAgain) {
  begin();
  sys_.exit_info_error = ENOTTY;
  sys_.steal_zombie();
  EXPECT_EQ(report_of(usual()).status, ExitStatus::lost());
  EXPECT_EQ(sys_.count(FakeSys::Call::kExitInfo), 1u);
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(EscalationLostTest, LostLeaderOnAnOldKernelWithAnEmptyGroupIsASuccess) {
  begin(Kernel::kOld);
  sys_.steal_zombie();
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::lost());
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationLostTest, LostLeaderOnANewKernelStillHasItsGroupEnded) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.steal_zombie();
  sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  report_of(usual());
  EXPECT_FALSE(worker.alive());
}

TEST_F(EscalationLostTest, LostLeaderOnAnOldKernelWithSurvivorsIsUnknownAndNobodyIsSignalledByNumber) {
  begin(Kernel::kOld);
  sys_.add_member("worker");
  sys_.steal_zombie();
  sys_.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kGroupUnknown);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationLostTest, MembersOfALostLeadersMarkedGroupAreEndedOneByOne) {
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

// On a machine that forks all the time and has few numbers, no reading can be believed.
TEST_F(EscalationLostTest, MarkedGroupOnABusyMachineIsKnownEmptyAfterSomeLooks) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  sys_.leader().dies_of(SIGTERM);
  sys_.never_settle();
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 5u);
  EXPECT_LE(sys_.elapsed(), ms(80));
  EXPECT_EQ(phase(), Leader::Stage::kReaped);
}

// The same after a member was seen: its group may fork all the time, so the zombie stays until SIGKILL has gone to all.
TEST_F(EscalationLostTest, MarkedGroupOfSeveralOnABusyMachineIsKnownEmptyAfterTheKill) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  sys_.leader().dies_of(SIGTERM);
  FakeProcess& worker = sys_.add_member("worker");
  sys_.never_settle();
  sys_.at(ms(300), [&] { sys_.exit(worker, ExitStatus::exited(0)); });
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_THAT(lines_of(report.attempts), Contains("@1s sweep send_signal SIGKILL group: ok"));
  EXPECT_EQ(sys_.elapsed(), seconds(1));
}

// The readings miss members that are born behind them; the mark does not.
TEST_F(EscalationLostTest, MarkedGroupThatForksBehindTheReadingsIsNotTakenForEmpty) {
  sys_.group_marks = true;
  begin(Kernel::kOld);
  FakeProcess& born = sys_.add_member("born");
  sys_.leader().dies_of(SIGTERM);
  sys_.never_settle();
  born.hidden = true;
  sys_.at(ms(90), [&] {  // when the zombie has been let go
    EXPECT_EQ(child_.leader().stage(Lock(child_)), Leader::Stage::kReaped);
    born.hidden = false;
  });
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(born.alive());
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{born.pid, "born"}));
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
}

TEST_F(EscalationLostTest, MembersBornWhileOthersAreKilledOneByOneAreKilledToo) {
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

TEST_F(EscalationLostTest, EmptyMarkedGroupOfALostLeaderNeedsNoReadingOfProc) {
  sys_.group_marks = true;
  sys_.proc_visible = false;
  begin(Kernel::kOld);
  sys_.steal_zombie();
  report_of(usual());
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 0u);
}

// The group is gone, and strangers have the numbers of the leader and of its member.
TEST_F(EscalationLostTest, StrangersWithTheNumbersOfAMarkedGroupAreNeverSignalled) {
  for (const bool before_the_run : {true, false}) {
    FakeSys sys;
    sys.pidfd_group_signals = false;
    sys.group_marks = true;
    FakeProcess& worker = sys.add_member("worker");
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    sys.steal_zombie();
    const auto give_away = [&] {
      worker.state = FakeProcess::State::kGone;
      sys.recycle(FakeSys::kLeaderPid, FakeSys::kLeaderPid);
      sys.recycle(worker.pid, FakeSys::kLeaderPid);
    };
    sys.recycle(5000, FakeSys::kLeaderPid);  // in the reading only because it came too late
    if (before_the_run) give_away();
    sys.before_next_pidfd_open = give_away;  // between the reading and the signal
    const TerminationResult result = terminate_child(child, lock, usual());
    ASSERT_TRUE(result.has_value()) << result.error();
    EXPECT_THAT(sys.signals(), IsEmpty());
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

// The library made the mark by number after the number had been given away.
TEST_F(EscalationLostTest, MarkOfANumberThatWasNotOursAnyMoreDoesNotCount) {
  sys_.group_marks = true;
  sys_.steal_zombie();
  begin(Kernel::kOld);
  sys_.add_member("of another's group");
  EXPECT_EQ(error_of(usual()).code, Errc::kGroupUnknown);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

TEST_F(EscalationLostTest, PinThatAThiefTakesIsNoticedBeforeTheNextSignal) {
  for (const bool marks : {false, true}) {
    FakeSys sys;
    sys.pidfd_group_signals = false;
    sys.group_marks = marks;
    FakeProcess& worker = sys.add_member("worker");
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    sys.exit(sys.leader(), ExitStatus::exited(3));
    EXPECT_TRUE(child.leader().look(lock));
    EXPECT_EQ(child.leader().stage(lock), Leader::Stage::kPinned);
    sys.steal_zombie();
    const TerminationResult result = terminate_child(child, lock, usual());
    EXPECT_EQ(result.has_value(), marks);
    EXPECT_EQ(worker.alive(), !marks);
    EXPECT_EQ(child.leader().status(lock), ExitStatus::exited(3));
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

TEST_F(EscalationLostTest, ThiefInTheMiddleOfARunEndsItWithoutASignalByNumber) {
  for (const Kernel kernel : {Kernel::kNew, Kernel::kOld}) {
    FakeSys sys;
    sys.pidfd_group_signals = kernel == Kernel::kNew;
    Supervised child(sys, "victim");
    Lock lock(child);
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

}  // namespace
}  // namespace warden::internal

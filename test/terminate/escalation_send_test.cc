// The escalation: which processes it signals, how, and what happens when it cannot send a signal.
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class EscalationSendTest : public SimulatedChild {};

TEST_F(EscalationSendTest, FailedSendIsFollowedByTheGraceInPlaceOfTheTimeout) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.leader().dies_of(SIGTERM);
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(
      lines_of(report.attempts),
      ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: failed EPERM",
                  "@0 interrupt check_status SIGINT -: timed_out ETIMEDOUT +100ms",
                  "@100ms terminate send_signal SIGTERM group: ok", "@100ms terminate send_signal SIGCONT group: ok",
                  "@100ms terminate wait_for_exit SIGTERM -: ok", "@100ms terminate sweep - group: ok"));
  EXPECT_THAT(messages_.messages(), ElementsAre(AllOf(StartsWith("WARN victim: SIGINT"), HasSubstr("could not be sent"),
                                                      HasSubstr("Operation not permitted"))));
}

TEST_F(EscalationSendTest, GraceIsUsedThoughTheTimeoutIsShorter) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.leader().dies_of(SIGTERM);
  report_of(TerminationPolicy::interrupt_first(ms(10), seconds(5)));
  EXPECT_EQ(sys_.elapsed(), ms(100));
}

TEST_F(EscalationSendTest, GraceOfThePolicyIsUsed) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.leader().dies_of(SIGTERM);
  TerminationPolicy policy = usual();
  policy.failed_send_grace = ms(7);
  report_of(policy);
  EXPECT_EQ(sys_.elapsed(), ms(7));
}

TEST_F(EscalationSendTest, ExitInsideTheGraceIsASuccess) {
  begin();
  sys_.fail_always(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.at(ms(60), [this] {
    sys_.exit(sys_.leader(), ExitStatus::exited(0));
    sys_.fail_next(FakeSys::Call::kPidfdKillGroup, 0, 0);
  });
  const TerminationReport report = report_of(usual());
  EXPECT_TRUE(report.status.success());
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_EQ(sys_.elapsed(), ms(60));
}

TEST_F(EscalationSendTest, ExitInsideTheGraceAfterAFailedKillIsASuccessAndNotForced) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.at(ms(50), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  const TerminationReport report = report_of(TerminationPolicy::immediate());
  EXPECT_EQ(report.ended_by, AttemptPhase::kKill);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(messages_.messages(),
              ElementsAre(AllOf(StartsWith("ERROR victim: SIGKILL"), HasSubstr("Operation not permitted"))));
}

TEST_F(EscalationSendTest, ThreeFailedSendsAreAnErrorAfterThreeGraces) {
  begin();
  sys_.leader().denies_signals = true;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, std::errc::operation_not_permitted);
  EXPECT_EQ(sys_.elapsed(), ms(300));
  EXPECT_THAT(
      lines_of(error.attempts),
      ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: failed EPERM",
                  "@0 interrupt check_status SIGINT -: timed_out ETIMEDOUT +100ms",
                  "@100ms terminate send_signal SIGTERM group: failed EPERM",
                  "@100ms terminate check_status SIGTERM -: timed_out ETIMEDOUT +100ms",
                  "@200ms kill send_signal SIGKILL group: failed EPERM",
                  "@200ms kill check_status SIGKILL -: timed_out ETIMEDOUT +100ms"));
  EXPECT_THAT(messages_.messages(), Contains(AllOf(StartsWith("ERROR "), HasSubstr("SIGKILL"))));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(EscalationSendTest, StdinIsClosedBeforeAGraceToo) {
  begin();
  open_stdin();
  sys_.leader().denies_signals = true;
  error_of(usual());
  EXPECT_FALSE(stdin_is_open());
}

TEST_F(EscalationSendTest, StoppedChildIsContinuedAndRunsItsHandler) {
  begin();
  sys_.leader().stopped = true;
  sys_.leader().dies_of(SIGTERM, ms(5), ExitStatus::exited(0));
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(5)));
  EXPECT_TRUE(report.status.success());
  EXPECT_EQ(sys_.elapsed(), ms(5));
}

TEST_F(EscalationSendTest, NothingIsSentAfterTheKill) {
  begin();
  sys_.leader().dies_of(SIGKILL, seconds(1));
  report_of(usual());
  EXPECT_EQ(sys_.signals().back(), "pidfd_kill_group SIGKILL");
}

TEST_F(EscalationSendTest, LeaderOnlySignalsNobodyElseAndLeavesTheGroup) {
  begin();
  FakeProcess& member = sys_.add_member("worker");
  member.dies_of(SIGTERM);
  sys_.leader().dies_of(SIGTERM, ms(5));
  TerminationPolicy policy = TerminationPolicy::service(seconds(1));
  policy.leader_only = true;
  const TerminationReport report = report_of(policy);
  EXPECT_TRUE(member.alive());
  EXPECT_EQ(sys_.elapsed(), ms(5));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_process SIGTERM", "pidfd_kill_process SIGCONT"));
  EXPECT_THAT(lines_of(report.attempts), Contains("@0 terminate send_signal SIGTERM leader: ok"));
}

TEST_F(EscalationSendTest, ChildWithoutAGroupOfItsOwnIsSignalledAlone) {
  for (const Kernel kernel : {Kernel::kNew, Kernel::kOld}) {
    FakeSys sys;
    sys.pidfd_group_signals = kernel == Kernel::kNew;
    sys.leader().group = 900;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, /*leads_group=*/false);
    ASSERT_TRUE(terminate_child(child, lock, usual()).has_value());
    EXPECT_THAT(sys.signals(), Each(StartsWith("pidfd_kill_process ")));
    EXPECT_EQ(sys.signals().size(), 5u);
    EXPECT_EQ(child.leader().stage(lock), Leader::Stage::kReaped);
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

TEST_F(EscalationSendTest, LeaderFirstSparesTheGroupUntilTheLeaderHasHadItsTime) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.dies_of(SIGTERM);
  report_of(TerminationPolicy::leader_first(seconds(1), seconds(2)));
  EXPECT_FALSE(worker.alive());
  EXPECT_THAT(sys_.signals(),
              ElementsAre("pidfd_kill_process SIGTERM", "pidfd_kill_process SIGCONT", "pidfd_kill_group SIGTERM",
                          "pidfd_kill_group SIGCONT", "pidfd_kill_group SIGKILL"));
  EXPECT_EQ(sys_.elapsed(), seconds(3));
}

TEST_F(EscalationSendTest, LeaderFirstGivesTheGroupTheRestOfTheLeadersTime) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM, ms(100));
  sys_.at(ms(400), [&] { sys_.exit(worker, ExitStatus::exited(0)); });
  const TerminationReport report = report_of(TerminationPolicy::leader_first(seconds(1), seconds(2)));
  EXPECT_EQ(sys_.elapsed(), ms(400));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_process SIGTERM", "pidfd_kill_process SIGCONT"));
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{worker.pid, "worker"}));
}

TEST_F(EscalationSendTest, PhaseForADeadLeaderAloneIsSkipped) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.dies_of(SIGTERM, ms(10));
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  report_of(TerminationPolicy::leader_first(seconds(1), seconds(2)));
  EXPECT_EQ(sys_.elapsed(), ms(10));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGTERM", "pidfd_kill_group SIGCONT"));
}

// kill(2) to a group succeeds when it could signal one member. The leader has changed its user and may not be
// signalled, so the success hides the EPERM that matters.
TEST_F(EscalationSendTest, RefusalThatTheGroupsSuccessHidesIsFoundAndRecorded) {
  begin();
  sys_.add_member("worker");
  sys_.leader().denies_signals = true;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, std::errc::operation_not_permitted);
  EXPECT_EQ(sys_.elapsed(), ms(300));
  EXPECT_THAT(lines_of(error.attempts),
              ::testing::IsSupersetOf({"@0 interrupt send_signal SIGINT group: ok",
                                       "@0 interrupt send_signal SIGINT leader: failed EPERM",
                                       "@100ms terminate send_signal SIGTERM leader: failed EPERM",
                                       "@200ms kill send_signal SIGKILL leader: failed EPERM"}));
}

TEST_F(EscalationSendTest, LeaderThatRefusesDoesNotKeepTheOthersFromBeingContinued) {
  begin();
  sys_.leader().denies_signals = true;
  FakeProcess& worker = sys_.add_member("worker");
  worker.stopped = true;
  worker.dies_of(SIGTERM, kZero, ExitStatus::exited(0));
  sys_.at(ms(50), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(worker.status, ExitStatus::exited(0)) << "its handler ran";
}

TEST_F(EscalationSendTest, KillThatReachesOnlyTheOthersIsAForcedEndAllTheSame) {
  begin();
  sys_.leader().denies_signals = true;
  FakeProcess& worker = sys_.add_member("worker");
  sys_.at(ms(50), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  const TerminationReport report = report_of(TerminationPolicy::immediate());
  EXPECT_FALSE(worker.alive());
  EXPECT_TRUE(report.forced);
}

TEST_F(EscalationSendTest, NothingIsSaidToBeSentToADeadLeaderOfAGroupThatWeAreIn) {
  begin();
  sys_.own_group = FakeSys::kLeaderPid;
  sys_.add_member("us");
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kSurvivors);
  EXPECT_THAT(sys_.signals(), IsEmpty());
  for (const Attempt& attempt : error.attempts) {
    EXPECT_NE(attempt.operation, AttemptOperation::kSendSignal) << attempt;
  }
}

TEST_F(EscalationSendTest, LeaderThatMovedToAnotherGroupIsSignalledApart) {
  for (const bool members_stay : {true, false}) {
    FakeSys sys;
    sys.leader().group = 900;
    sys.leader().dies_of(SIGTERM, ms(5));
    if (members_stay) sys.add_member("worker").dies_of(SIGTERM);
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, /*leads_group=*/true);
    sys.play_reaper_of(child);
    ASSERT_TRUE(terminate_child(child, lock, TerminationPolicy::service(seconds(1))).has_value());
    EXPECT_EQ(sys.elapsed(), ms(5));
    EXPECT_THAT(sys.signals(), Contains("pidfd_kill_process SIGTERM"));
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

// setpgid(2) lets a parent move into the group of its child.
TEST_F(EscalationSendTest, GroupThatWeAreInIsNeverSignalled) {
  begin();
  sys_.own_group = FakeSys::kLeaderPid;
  FakeProcess& us = sys_.add_member("us");
  const TerminationError error = error_of(usual());
  EXPECT_FALSE(sys_.leader().alive());
  EXPECT_TRUE(us.alive());
  EXPECT_THAT(sys_.signals(), ::testing::Each(StartsWith("pidfd_kill_process ")));
  EXPECT_THAT(lines_of(error.attempts), Contains("@0 interrupt send_signal SIGINT leader: ok"));
  EXPECT_EQ(error.code, Errc::kSurvivors);
  EXPECT_THAT(error.survivors, ElementsAre(Survivor{us.pid, "us"}));
}

TEST_F(EscalationSendTest, RefusedPidfdSignalFallsBackToTheNumberOfARunningLeader) {
  begin(Kernel::kOld, /*leads_group=*/false);
  sys_.fail_always(FakeSys::Call::kPidfdKillProcess, ENOSYS);
  sys_.leader().dies_of(SIGTERM);
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_process SIGTERM: ENOSYS", "kill_process SIGTERM",
                                          "pidfd_kill_process SIGCONT: ENOSYS", "kill_process SIGCONT"));
}

}  // namespace
}  // namespace warden::internal

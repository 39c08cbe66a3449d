// The escalation: the states of the default ladder (SIGINT, SIGTERM, SIGKILL) one by one, each with its whole log.
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class EscalationTest : public SimulatedChild {};

TEST_F(EscalationTest, ChildThatEndedBeforeIsReturnedWithoutASignal) {
  begin();
  open_stdin();
  sys_.exit(sys_.leader(), ExitStatus::exited(3));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::exited(3));
  EXPECT_EQ(report.ended_by, AttemptPhase::kPreflight);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(lines_of(report.attempts),
              ElementsAre("@0 preflight check_status - leader: ok", "@0 preflight sweep - group: ok"));
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_THAT(messages_.messages(), IsEmpty());
  EXPECT_TRUE(stdin_is_open());
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(EscalationTest, ExitOnInterruptEndsTheRun) {
  begin();
  sys_.leader().dies_of(SIGINT, ms(300), ExitStatus::exited(0));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::exited(0));
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(report.survivors, IsEmpty());
  EXPECT_THAT(lines_of(report.attempts),
              ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: ok",
                          "@0 interrupt send_signal SIGCONT group: ok",
                          "@0 interrupt wait_for_exit SIGINT -: ok +300ms", "@300ms interrupt sweep - group: ok"));
  EXPECT_EQ(sys_.elapsed(), ms(300));
  EXPECT_THAT(messages_.messages(), IsEmpty());
}

TEST_F(EscalationTest, ExitOnTerminateEndsTheRun) {
  begin();
  sys_.leader().dies_of(SIGTERM, ms(200));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::terminate(), false));
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(lines_of(report.attempts),
              ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: ok",
                          "@0 interrupt send_signal SIGCONT group: ok",
                          "@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s",
                          "@1s terminate send_signal SIGTERM group: ok", "@1s terminate send_signal SIGCONT group: ok",
                          "@1s terminate wait_for_exit SIGTERM -: ok +200ms", "@1.2s terminate sweep - group: ok"));
  EXPECT_THAT(messages_.messages(), ElementsAre(AllOf(StartsWith("WARN victim: "), HasSubstr("SIGINT"))));
}

TEST_F(EscalationTest, StubbornChildIsKilledAfterBothTimeouts) {
  begin();
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::kill(), false));
  EXPECT_EQ(report.ended_by, AttemptPhase::kKill);
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(lines_of(report.attempts),
              ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: ok",
                          "@0 interrupt send_signal SIGCONT group: ok",
                          "@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s",
                          "@1s terminate send_signal SIGTERM group: ok", "@1s terminate send_signal SIGCONT group: ok",
                          "@1s terminate wait_for_exit SIGTERM -: timed_out ETIMEDOUT +2s",
                          "@3s kill send_signal SIGKILL group: ok", "@3s kill wait_for_exit SIGKILL -: ok",
                          "@3s kill sweep - group: ok"));
  EXPECT_THAT(messages_.messages(), ElementsAre(AllOf(StartsWith("WARN victim: "), HasSubstr("SIGINT")),
                                                AllOf(StartsWith("WARN victim: "), HasSubstr("SIGTERM"))));
}

TEST_F(EscalationTest, UnkillableChildIsAnErrorExactlyThreeSecondsAfterTheKill) {
  begin();
  sys_.leader().unkillable = true;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.kind, TerminationError::Kind::kTerminationFailed);
  EXPECT_EQ(error.code, Errc::kStillRunning);
  EXPECT_EQ(error.process_name, "victim");
  EXPECT_THAT(error.survivors, IsEmpty());
  EXPECT_EQ(sys_.elapsed(), seconds(1 + 2 + 3));
  EXPECT_THAT(lines_of(error.attempts),
              ::testing::Contains("@3s kill wait_for_exit SIGKILL -: timed_out ETIMEDOUT +3s"));
  EXPECT_EQ(error.attempts.size(), 9u);
  EXPECT_EQ(error.attempts.errors().size(), 3u);
  ASSERT_EQ(messages_.messages().size(), 3u);
  EXPECT_THAT(messages_.messages().back(), StartsWith("ERROR victim: "));
  EXPECT_EQ(phase(), Leader::Stage::kRunning);
}

TEST_F(EscalationTest, KillTimeoutOfThePolicyBoundsTheLastWait) {
  begin();
  sys_.leader().unkillable = true;
  TerminationPolicy policy = TerminationPolicy::immediate();
  policy.kill_timeout = ms(250);
  EXPECT_EQ(error_of(policy).code, Errc::kStillRunning);
  EXPECT_EQ(sys_.elapsed(), ms(250));
}

TEST_F(EscalationTest, ExitAfterTheKillWithinItsBoundIsASuccess) {
  begin();
  sys_.leader().dies_of(SIGKILL, ms(2900));
  const TerminationReport report = report_of(TerminationPolicy::immediate());
  EXPECT_TRUE(report.forced);
  EXPECT_EQ(sys_.elapsed(), ms(2900));
}

TEST_F(EscalationTest, ExitAtTheVeryDeadlineCounts) {
  begin();
  sys_.at(seconds(1), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(5)); });
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::exited(5));
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
}

TEST_F(EscalationTest, ZeroTimeoutsSendAllThreeSignalsBackToBack) {
  begin();
  const TerminationReport report = report_of(TerminationPolicy::interrupt_first(kZero, kZero));
  EXPECT_TRUE(report.forced);
  EXPECT_EQ(sys_.elapsed(), kZero);
  EXPECT_THAT(sys_.signals(),
              ElementsAre("pidfd_kill_group SIGINT", "pidfd_kill_group SIGCONT", "pidfd_kill_group SIGTERM",
                          "pidfd_kill_group SIGCONT", "pidfd_kill_group SIGKILL"));
}

TEST_F(EscalationTest, ZeroTimeoutStillLooksOnceAfterItsSignal) {
  begin();
  sys_.leader().dies_of(SIGINT);
  const TerminationReport report = report_of(TerminationPolicy::interrupt_first(kZero, kZero));
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::interrupt(), false));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGINT", "pidfd_kill_group SIGCONT"));
}

TEST_F(EscalationTest, InfiniteTimeoutWaitsForTheExitHoweverLate) {
  begin();
  sys_.at(absl::Hours(24 * 365), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  const TerminationReport report = report_of(TerminationPolicy::service(absl::InfiniteDuration()));
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_EQ(sys_.elapsed(), absl::Hours(24 * 365));
}

TEST_F(EscalationTest, EmptyPolicyKillsAtOnce) {
  begin();
  open_stdin();
  const TerminationReport report = report_of(TerminationPolicy::immediate());
  EXPECT_EQ(report.ended_by, AttemptPhase::kKill);
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(lines_of(report.attempts),
              ElementsAre("@0 preflight check_status - leader: ok", "@0 kill send_signal SIGKILL group: ok",
                          "@0 kill wait_for_exit SIGKILL -: ok", "@0 kill sweep - group: ok"));
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGKILL"));
  EXPECT_FALSE(stdin_is_open());
}

TEST_F(EscalationTest, StdinIsClosedAfterTheFirstSignalAndBeforeTheFirstWait) {
  begin();
  open_stdin();
  bool open_in_the_wait = true;
  sys_.at(ms(1), [&] { open_in_the_wait = stdin_is_open(); });
  sys_.leader().dies_of(SIGINT, ms(500));
  report_of(usual());
  EXPECT_FALSE(open_in_the_wait);
}

TEST_F(EscalationTest, UnknownStateBeforeTheFirstSignalDoesNotStopTheRun) {
  begin();
  sys_.leader().dies_of(SIGINT, ms(10));
  sys_.fail_next(FakeSys::Call::kLook, EPERM);
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(lines_of(report.attempts), ::testing::Contains("@0 preflight check_status - leader: failed EPERM"));
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_THAT(messages_.messages(), ElementsAre(AllOf(StartsWith("WARN victim: "), HasSubstr("state is unknown"),
                                                      HasSubstr("Operation not permitted"))));
}

TEST_F(EscalationTest, WaitInWhichTheStateStaysUnknownFailsWithTheErrorOfTheLook) {
  begin();
  sys_.leader().unkillable = true;
  sys_.fail_always(FakeSys::Call::kLook, EACCES);
  const TerminationError error = error_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(error.code, Errc::kStatusUnknown);
  EXPECT_EQ(sys_.elapsed(), seconds(4));
  EXPECT_THAT(lines_of(error.attempts),
              ::testing::IsSupersetOf({"@0 terminate wait_for_exit SIGTERM -: failed EACCES +1s",
                                       "@1s kill wait_for_exit SIGKILL -: failed EACCES +3s"}));
  EXPECT_THAT(messages_.messages()[1], AllOf(StartsWith("WARN victim: "), HasSubstr("state is unknown after SIGTERM"),
                                             HasSubstr("Permission denied")));
}

TEST_F(EscalationTest, OtherSignalsOfAPolicyAreTheirOwnPhases) {
  begin();
  sys_.leader().dies_of(SIGUSR2, ms(5));
  TerminationPolicy policy;
  policy.phases = {{Signal::hangup(), ms(10)}, {Signal::user2(), ms(10)}};
  const TerminationReport report = report_of(policy);
  EXPECT_EQ(report.ended_by, AttemptPhase::kSignal);
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGHUP", "pidfd_kill_group SIGCONT",
                                          "pidfd_kill_group SIGUSR2", "pidfd_kill_group SIGCONT"));
}

TEST_F(EscalationTest, SecondRunOnAnEndedChildReturnsTheSameStatus) {
  begin();
  const TerminationReport first = report_of(TerminationPolicy::immediate());
  const TerminationReport second = report_of(TerminationPolicy::immediate());
  EXPECT_EQ(first.status, second.status);
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGKILL"));
  EXPECT_EQ(second.ended_by, AttemptPhase::kPreflight);
  EXPECT_FALSE(second.forced);
}

TEST_F(EscalationTest, FailedRunLeavesTheChildAsItWasAndCanBeRepeated) {
  begin();
  sys_.leader().unkillable = true;
  error_of(usual());
  EXPECT_FALSE(is_end_seen());
  EXPECT_EQ(phase(), Leader::Stage::kRunning);
  sys_.leader().unkillable = false;
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::kill(), false));
  EXPECT_EQ(report.attempts.size(), 10u) << report.attempts;
  EXPECT_EQ(report.attempts[0].started, kZero);
}

TEST_F(EscalationTest, LogOfTheLastRunStaysWithTheChild) {
  begin();
  sys_.leader().unkillable = true;
  const TerminationError error = error_of(TerminationPolicy::immediate());
  const Lock lock(child_);
  EXPECT_EQ(lines_of(child_.last_log(lock)), lines_of(error.attempts));
}

}  // namespace
}  // namespace warden::internal

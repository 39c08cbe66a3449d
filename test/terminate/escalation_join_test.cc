// The escalation: several callers share one. An event plays the second caller.
#include <errno.h>

#include <utility>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class EscalationJoinTest : public SimulatedChild {
 protected:
  // Makes a second caller come at that time, with that policy, and stay to the end.
  void join_at(absl::Duration time, const TerminationPolicy& policy) {
    sys_.at(time, [this, policy] { second_ = terminate(policy); });
  }
  // Returns the second caller's outcome.
  const TerminationReport& second_report() { return second_->value(); }

  // A log sink that calls the library again, once.
  static void kill_from_the_sink(const LogRecord&, void* test) {
    auto* self = static_cast<EscalationJoinTest*>(test);
    if (std::exchange(self->in_the_sink_, true)) return;
    self->second_ = self->terminate(TerminationPolicy::immediate());
  }

  std::optional<TerminationResult> second_;
  bool in_the_sink_ = false;
};

constexpr char kInterrupt[] = "pidfd_kill_group SIGINT", kTerminate[] = "pidfd_kill_group SIGTERM",
               kKill[] = "pidfd_kill_group SIGKILL", kContinue[] = "pidfd_kill_group SIGCONT";

TEST_F(EscalationJoinTest, ShorterPolicyShortensTheCurrentPhaseAndTheRest) {
  begin();
  join_at(ms(100), TerminationPolicy::interrupt_first(ms(200), ms(500)));
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(lines_of(report.attempts),
              ::testing::IsSupersetOf({"@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +300ms",
                                       "@300ms terminate send_signal SIGTERM group: ok",
                                       "@800ms kill send_signal SIGKILL group: ok"}));
  EXPECT_EQ(sys_.elapsed(), ms(800));
}

TEST_F(EscalationJoinTest, LaterPhaseIsShortenedThoughTheCurrentOneIsNot) {
  begin();
  join_at(ms(100), TerminationPolicy::interrupt_first(seconds(5), ms(200)));
  report_of(usual());
  EXPECT_EQ(sys_.elapsed(), ms(1200));
}

TEST_F(EscalationJoinTest, LongerPolicyLengthensNothing) {
  begin();
  join_at(ms(100), TerminationPolicy::interrupt_first(seconds(10), absl::InfiniteDuration()));
  report_of(usual());
  EXPECT_EQ(sys_.elapsed(), seconds(3));
}

TEST_F(EscalationJoinTest, FiniteCallerEndsAnInfiniteWait) {
  begin();
  join_at(ms(100), TerminationPolicy::service(ms(400)));
  const TerminationReport report = report_of(TerminationPolicy::service(absl::InfiniteDuration()));
  EXPECT_TRUE(report.forced);
  EXPECT_EQ(sys_.elapsed(), ms(500));
}

TEST_F(EscalationJoinTest, NoSignalOfAPhaseIsSentTwice) {
  begin();
  join_at(ms(100), usual());
  join_at(ms(1100), usual());
  join_at(ms(1200), usual());
  report_of(usual());
  EXPECT_THAT(sys_.signals(), ElementsAre(kInterrupt, kContinue, kTerminate, kContinue, kKill));
}

TEST_F(EscalationJoinTest, ImmediatePolicyJumpsToTheKill) {
  begin();
  join_at(ms(100), TerminationPolicy::immediate());
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(sys_.signals(), ElementsAre(kInterrupt, kContinue, kKill));
  EXPECT_EQ(sys_.elapsed(), ms(100));
  EXPECT_EQ(report.ended_by, AttemptPhase::kKill);
}

TEST_F(EscalationJoinTest, ImmediatePolicyJumpsToTheKillOfSurvivorsToo) {
  begin();
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT);
  join_at(ms(100), TerminationPolicy::immediate());
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(sys_.signals(), ElementsAre(kInterrupt, kContinue, kKill));
  EXPECT_EQ(sys_.elapsed(), ms(100));
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
}

TEST_F(EscalationJoinTest, CallerThatLacksTheCurrentPhaseStillGetsItsOwnPhasesBeforeTheKill) {
  begin();
  sys_.leader().dies_of(SIGTERM, ms(50));
  join_at(ms(100), TerminationPolicy::service(ms(500)));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_FALSE(report.forced);
}

TEST_F(EscalationJoinTest, AllCallersGetTheSameStatusAndTheSameLog) {
  begin();
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT, ms(300));
  join_at(ms(100), usual());
  join_at(ms(1500), usual());
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, second_report().status);
  EXPECT_EQ(report.ended_by, second_report().ended_by);
  EXPECT_EQ(lines_of(report.attempts), lines_of(second_report().attempts));
}

TEST_F(EscalationJoinTest, CallerDuringTheSearchForALostStatusGetsTheSameLog) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 5;
  sys_.steal_zombie();
  join_at(absl::Microseconds(20), usual());
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::exited(7));
  EXPECT_EQ(lines_of(report.attempts), lines_of(second_report().attempts));
  EXPECT_EQ(report.attempts.size(), 2u) << report.attempts;
}

TEST_F(EscalationJoinTest, CallersThatFindTheStatusLostAtTheSameTimeRecordTheEndOnce) {
  begin();
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 5;
  sys_.at(ms(500), [this] { sys_.steal_zombie(); });
  join_at(ms(100), usual());
  join_at(ms(500) + absl::Microseconds(20), usual());
  const TerminationReport report = report_of(usual());
  EXPECT_THAT(
      lines_of(report.attempts),
      ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: ok",
                  "@0 interrupt send_signal SIGCONT group: ok", "@0 interrupt wait_for_exit SIGINT -: ok +500.77ms",
                  "@500.77ms interrupt sweep - group: ok"));
}

// The zombie is taken at the first signal. The second caller sees the end, and comes to the end of the escalation,
// while the first one still waits for the status.
TEST_F(EscalationJoinTest, CallerWhoseLookTakesLongerThanTheRestAddsNothingToAFailure) {
  begin();
  sys_.add_member("worker").unkillable = true;
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 5;
  sys_.during_next_signal = [this] { sys_.steal_zombie(); };
  join_at(absl::Microseconds(20), TerminationPolicy::immediate());
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kSurvivors);
  EXPECT_EQ(lines_of(error.attempts), lines_of(second_->error().attempts));
  EXPECT_THAT(messages_.messages(), ElementsAre(::testing::HasSubstr("did not end in time after SIGINT"),
                                                ::testing::HasSubstr("could not be ended")));
}

TEST_F(EscalationJoinTest, CallerWhoseLookTakesLongerThanTheRestAddsNothingToASuccess) {
  begin();
  sys_.add_member("worker");
  sys_.exit_info_status = ExitStatus::exited(7);
  sys_.exit_info_empty_answers = 5;
  sys_.during_next_signal = [this] { sys_.steal_zombie(); };
  join_at(absl::Microseconds(20), TerminationPolicy::immediate());
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
  EXPECT_EQ(lines_of(report.attempts), lines_of(second_report().attempts));
}

TEST_F(EscalationJoinTest, KillBoundOfASecondCallerShortensTheLastWait) {
  begin();
  sys_.leader().unkillable = true;
  TerminationPolicy impatient = TerminationPolicy::immediate();
  impatient.kill_timeout = ms(500);
  join_at(ms(100), impatient);
  EXPECT_EQ(error_of(TerminationPolicy::immediate()).code, Errc::kStillRunning);
  EXPECT_EQ(sys_.elapsed(), ms(600));
  EXPECT_EQ(second_->error().code, Errc::kStillRunning);
}

TEST_F(EscalationJoinTest, GroupCallerWidensALeaderOnlyRun) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  TerminationPolicy leader_only = usual();
  leader_only.leader_only = true;
  join_at(ms(100), usual());
  const TerminationReport report = report_of(leader_only);
  EXPECT_FALSE(worker.alive());
  EXPECT_THAT(lines_of(report.attempts), Contains("@1s terminate send_signal SIGTERM group: ok"));
}

TEST_F(EscalationJoinTest, GroupCallerWidensALeaderOnlyRunThatHasKilledAlready) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGKILL, seconds(1));
  TerminationPolicy leader_only = TerminationPolicy::immediate();
  leader_only.leader_only = true;
  join_at(ms(100), TerminationPolicy::immediate());
  EXPECT_TRUE(terminate(leader_only).has_value());
  EXPECT_FALSE(worker.alive());
}

TEST_F(EscalationJoinTest, WideningAfterTheKillDoesNotExtendItsBound) {
  begin();
  sys_.leader().unkillable = true;
  TerminationPolicy leader_only = TerminationPolicy::immediate();
  leader_only.leader_only = true;
  join_at(ms(2900), TerminationPolicy::immediate());
  EXPECT_EQ(error_of(leader_only).code, Errc::kStillRunning);
  EXPECT_EQ(sys_.elapsed(), seconds(3));
}

TEST_F(EscalationJoinTest, GraceIsTheShortestOfAllCallers) {
  begin();
  TerminationPolicy patient = TerminationPolicy::service(absl::Hours(1));
  patient.failed_send_grace = absl::Hours(1);
  sys_.at(ms(100), [this] { sys_.leader().denies_signals = true; });
  join_at(ms(200), TerminationPolicy::immediate());
  EXPECT_EQ(error_of(patient).code, std::errc::operation_not_permitted);
  EXPECT_EQ(sys_.elapsed(), ms(300));
}

TEST_F(EscalationJoinTest, CallerDuringAGraceShortensIt) {
  begin();
  sys_.leader().denies_signals = true;
  TerminationPolicy patient = TerminationPolicy::immediate();
  patient.failed_send_grace = absl::Hours(1);
  join_at(ms(200), TerminationPolicy::immediate());
  EXPECT_EQ(error_of(patient).code, std::errc::operation_not_permitted);
  EXPECT_EQ(sys_.elapsed(), ms(300));
}

// The first caller polls a survivor for ever; the second caller's attempt to end it fails.
TEST_F(EscalationJoinTest, EndOfTheRunEndsAWaitForSurvivors) {
  for (const int no_event : {0, EMFILE}) {
    FakeSys sys;
    sys.make_event_error = no_event;
    sys.leader().dies_of(SIGTERM);
    sys.add_member("worker").unkillable = true;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, /*leads_group=*/true);
    sys.at(seconds(1), [&] {
      Lock second(child);
      EXPECT_TRUE(terminate_child(child, second, TerminationPolicy::immediate()).has_error());
    });
    const TerminationResult result = terminate_child(child, lock, TerminationPolicy::service(absl::InfiniteDuration()));
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code, Errc::kSurvivors);
    EXPECT_EQ(sys.elapsed(), seconds(4));
    lock.unlock();
    EXPECT_THAT(sys.violations(), ::testing::IsEmpty());
  }
}

TEST_F(EscalationJoinTest, LeaderOnlyCallerDoesNotNarrowAGroupRun) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  TerminationPolicy leader_only = usual();
  leader_only.leader_only = true;
  sys_.leader().dies_of(SIGINT, ms(500));
  join_at(ms(100), leader_only);
  report_of(usual());
  EXPECT_FALSE(worker.alive());
}

TEST_F(EscalationJoinTest, CallerFromTheLogSinkJoins) {
  begin();
  set_log_sink(&EscalationJoinTest::kill_from_the_sink, this);
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(sys_.elapsed(), seconds(1));
  EXPECT_EQ(lines_of(report.attempts), lines_of(second_report().attempts));
}

TEST_F(EscalationJoinTest, CallerAfterTheEndStartsAnotherRun) {
  begin();
  sys_.leader().unkillable = true;
  error_of(usual());
  sys_.leader().unkillable = false;
  report_of(usual());
  EXPECT_EQ(sys_.signals().size(), 10u);
}

}  // namespace
}  // namespace warden::internal

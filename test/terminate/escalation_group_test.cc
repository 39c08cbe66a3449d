// The escalation: success means that the group has no live process, and a group that the library cannot see is never
// called empty.
#include "absl/strings/str_cat.h"
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class EscalationGroupTest : public SimulatedChild {};

TEST_F(EscalationGroupTest, SurvivorsOfTheLeaderGetTheRestOfTheEscalation) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.dies_of(SIGTERM, ms(500));
  sys_.leader().dies_of(SIGINT, ms(100));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::interrupt(), false));
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{worker.pid, "worker"}));
  EXPECT_THAT(
      lines_of(report.attempts),
      ElementsAre("@0 preflight check_status - leader: ok", "@0 interrupt send_signal SIGINT group: ok",
                  "@0 interrupt send_signal SIGCONT group: ok", "@0 interrupt wait_for_exit SIGINT -: ok +100ms",
                  "@100ms interrupt sweep - group: timed_out kSurvivors [1001 (worker)]",
                  "@100ms interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +900ms [1001 (worker)]",
                  "@1s terminate send_signal SIGTERM group: ok", "@1s terminate send_signal SIGCONT group: ok",
                  "@1s terminate sweep - group: timed_out kSurvivors [1001 (worker)]",
                  "@1.5s terminate sweep - group: ok"));
}

TEST_F(EscalationGroupTest, StubbornSurvivorIsSweptWithSigkill) {
  begin();
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGINT);
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
  EXPECT_TRUE(report.forced);
  EXPECT_EQ(sys_.elapsed(), seconds(3));
  EXPECT_THAT(lines_of(report.attempts),
              ::testing::IsSupersetOf({"@3s sweep send_signal SIGKILL group: ok", "@3s sweep sweep - group: ok"}));
}

TEST_F(EscalationGroupTest, LeaderThatEndedBeforeTheCallDoesNotEndIt) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.dies_of(SIGTERM, ms(5));
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(worker.alive());
  EXPECT_TRUE(report.status.success());
  EXPECT_THAT(lines_of(report.attempts),
              ElementsAre("@0 preflight check_status - leader: ok",
                          "@0 preflight sweep - group: timed_out kSurvivors [1001 (worker)]",
                          "@0 terminate send_signal SIGTERM group: ok", "@0 terminate send_signal SIGCONT group: ok",
                          "@0 terminate sweep - group: timed_out kSurvivors [1001 (worker)]",
                          "@5ms terminate sweep - group: ok"));
}

TEST_F(EscalationGroupTest, UnkillableSurvivorIsNamedInTheError) {
  for (const Kernel kernel : {Kernel::kNew, Kernel::kOld}) {
    FakeSys sys;
    sys.pidfd_group_signals = kernel == Kernel::kNew;
    FakeProcess& worker = sys.add_member("worker");
    worker.unkillable = true;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    const TerminationResult result = terminate_child(child, lock, usual());
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code, Errc::kSurvivors);
    EXPECT_THAT(result.error().survivors, ElementsAre(Survivor{worker.pid, "worker"}));
    EXPECT_EQ(sys.elapsed(), seconds(6));
    EXPECT_THAT(sys.violations(), IsEmpty());
  }
}

TEST_F(EscalationGroupTest, ZombiesInTheGroupDoNotCount) {
  begin();
  sys_.init_delay = seconds(2);
  sys_.add_member("worker").dies_of(SIGTERM);
  sys_.leader().dies_of(SIGTERM, ms(10));
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(sys_.elapsed(), ms(10));
  EXPECT_THAT(report.survivors, IsEmpty());
}

TEST_F(EscalationGroupTest, ProcessWhoseMainThreadHasGoneCounts) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.main_thread_gone = true;
  sys_.leader().dies_of(SIGTERM);
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(worker.alive());
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{worker.pid, "worker"}));
  EXPECT_TRUE(report.forced);
}

TEST_F(EscalationGroupTest, ProcessThatLeftTheGroupIsNotASurvivor) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM);
  sys_.at(ms(300), [&] { worker.group = worker.pid; });
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_TRUE(worker.alive());
}

TEST_F(EscalationGroupTest, TheEndOfASurvivorThatLeavesTheGroupIsNotWaitedFor) {
  for (const bool is_infinite : {false, true}) {
    FakeSys sys;
    Supervised child(sys, "victim");
    Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
    FakeProcess& worker = sys.add_member("worker");
    sys.leader().dies_of(SIGTERM);
    sys.at(ms(300), [&] { worker.group = worker.pid; });
    const auto timeout = is_infinite ? absl::InfiniteDuration() : seconds(8);
    EXPECT_TRUE(terminate_child(child, lock, TerminationPolicy::service(timeout)).has_value());
    EXPECT_TRUE(worker.alive());
    EXPECT_LE(sys.elapsed(), ms(500));
  }
}

TEST_F(EscalationGroupTest, ProcessThatJoinsTheGroupLateIsEndedToo) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM, ms(5));
  FakeProcess* late = nullptr;
  sys_.at(ms(300), [&] {
    late = &sys_.add_member("late");
    sys_.exit(worker, ExitStatus::exited(0));
  });
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(late->alive());
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{worker.pid, "worker"})) << "as first seen";
}

TEST_F(EscalationGroupTest, ManySurvivorsAreWaitedForInBatches) {
  begin();
  sys_.leader().dies_of(SIGTERM);
  for (int i = 0; i < 40; ++i) {
    FakeProcess& worker = sys_.add_member(absl::StrCat("worker", i));
    sys_.at(ms(10 + i), [this, &worker] { sys_.exit(worker, ExitStatus::exited(0)); });
  }
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(report.survivors.size(), 40u);
  EXPECT_EQ(sys_.elapsed(), ms(49));
  EXPECT_LE(sys_.count(FakeSys::Call::kPoll), 40u);
}

TEST_F(EscalationGroupTest, SurvivorsWithoutPidfdsAreLookedAtAgainAfterAPause) {
  begin();
  sys_.pidfd_open_error = ENOSYS;
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM);
  sys_.at(ms(110), [&] { sys_.exit(worker, ExitStatus::exited(0)); });
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_LE(sys_.elapsed(), ms(120));
  EXPECT_LE(sys_.count(FakeSys::Call::kWait), 10u);
  EXPECT_EQ(sys_.count(FakeSys::Call::kPoll), 0u);
}

// Only one descriptor is free: the survivor's pidfd takes it, and /proc cannot be read any more.
TEST_F(EscalationGroupTest, SurvivorThatCannotBeCheckedDoesNotMakeTheWaitSpin) {
  begin();
  sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM);
  sys_.most_pidfds_with_proc = 0;
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(sys_.elapsed(), seconds(1));
  EXPECT_LE(sys_.calls().size(), 1000u);
}

TEST_F(EscalationGroupTest, NumberOfASurvivorThatWasGivenAwayIsNotWaitedFor) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM);
  // Between the scan and the opening of the pidfd the worker ends, and a stranger gets its number.
  sys_.before_next_pidfd_open = [&] {
    sys_.exit(worker, ExitStatus::exited(0));
    sys_.recycle(worker.pid, worker.pid);
  };
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(EscalationGroupTest, NumberThatMayHaveBeenGivenAwayIsNotWaitedForEither) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  sys_.leader().dies_of(SIGTERM);
  sys_.most_pidfds_with_proc = 0;  // the pidfd's process cannot be read
  sys_.before_next_pidfd_open = [&] {
    sys_.exit(worker, ExitStatus::exited(0));
    sys_.recycle(worker.pid, worker.pid);
  };
  report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_LE(sys_.elapsed(), ms(20));
}

TEST_F(EscalationGroupTest, HiddenProcIsAnErrorAndNeverEmpty) {
  begin();
  sys_.proc_visible = false;
  sys_.add_member("worker").unkillable = true;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kGroupUnknown);
  EXPECT_EQ(sys_.elapsed(), seconds(6));
  EXPECT_THAT(lines_of(error.attempts), Contains("@3s kill sweep - group: failed kGroupUnknown"));
  EXPECT_THAT(sys_.violations(), IsEmpty());
}

TEST_F(EscalationGroupTest, HiddenProcIsASuccessOnceTheKernelSaysThatTheGroupIsGone) {
  begin();
  sys_.proc_visible = false;
  sys_.init_delay = ms(1700);
  sys_.add_member("worker").dies_of(SIGTERM);
  sys_.leader().dies_of(SIGTERM);
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(2)));
  EXPECT_GE(sys_.elapsed(), ms(1700));
  EXPECT_LE(sys_.elapsed(), ms(1720));
  EXPECT_THAT(lines_of(report.attempts), Contains("@0 terminate sweep - group: failed kGroupUnknown"));
  EXPECT_LE(sys_.count(FakeSys::Call::kWait), 100u);
}

TEST_F(EscalationGroupTest, HiddenProcOnAnOldKernelIsAnErrorEvenForAnEmptyGroup) {
  begin(Kernel::kOld);
  sys_.proc_visible = false;
  sys_.leader().dies_of(SIGTERM);
  const TerminationError error = error_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(error.code, Errc::kGroupUnknown);
  EXPECT_EQ(sys_.elapsed(), seconds(4));
}

// hidepid may hide a member but not process 1: the kernel says that the group has a process, and /proc shows none.
TEST_F(EscalationGroupTest, MemberThatProcHidesIsNeverTakenForNobody) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.hidden = true;
  sys_.leader().dies_of(SIGTERM);
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_FALSE(worker.alive());
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(lines_of(report.attempts), Contains("@0 terminate sweep - group: failed kGroupUnknown"));
}

TEST_F(EscalationGroupTest, MemberThatProcHidesAndThatStaysIsAnError) {
  begin();
  FakeProcess& worker = sys_.add_member("worker");
  worker.hidden = true;
  worker.unkillable = true;
  sys_.leader().dies_of(SIGTERM);
  EXPECT_EQ(error_of(TerminationPolicy::service(seconds(1))).code, Errc::kGroupUnknown);
}

TEST_F(EscalationGroupTest, UnreadableProcessMakesTheGroupUnknown) {
  begin();
  sys_.init_delay = absl::Hours(1);
  sys_.add_member("worker").dies_of(SIGTERM);
  sys_.leader().dies_of(SIGTERM);
  sys_.fail_always(FakeSys::Call::kReadProc, EMFILE);
  const TerminationError error = error_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(error.code, Errc::kGroupUnknown);
}

TEST_F(EscalationGroupTest, EmptyIsSaidAtMostOnceAndKnownForEver) {
  begin();
  report_of(TerminationPolicy::immediate());
  const std::size_t scans = sys_.count(FakeSys::Call::kPidfdKillGroup);
  report_of(TerminationPolicy::immediate());
  EXPECT_EQ(sys_.count(FakeSys::Call::kPidfdKillGroup), scans);
}

}  // namespace
}  // namespace warden::internal

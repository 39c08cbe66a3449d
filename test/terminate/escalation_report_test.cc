// What an escalation reports about its end: what caused the end, and what keeps a process that stays.
#include <errno.h>
#include <signal.h>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class EscalationCauseTest : public SimulatedChild {
 protected:
  EndCause cause_of(const TerminationPolicy& policy) { return report_of(policy).cause; }
  ExitStatus killed_by(Signal signal) { return ExitStatus::signaled(signal, false); }
};

TEST_F(EscalationCauseTest, ExitBeforeTheCallIsNatural) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_EQ(cause_of(usual()), EndCause::kNatural);
}

TEST_F(EscalationCauseTest, ExitIsNaturalThoughItsSurvivorsWereSignalled) {
  begin();
  sys_.add_member("worker");
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.cause, EndCause::kNatural);
  EXPECT_TRUE(report.forced);
}

TEST_F(EscalationCauseTest, ExitAfterSignalsThatCouldNotBeSentIsNatural) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.at(ms(50), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  EXPECT_EQ(cause_of(usual()), EndCause::kNatural);
}

TEST_F(EscalationCauseTest, DeathOfASignalBeforeTheCallIsAnothers) {
  begin();
  sys_.exit(sys_.leader(), killed_by(Signal::terminate()));
  EXPECT_EQ(cause_of(usual()), EndCause::kByAnother);
}

TEST_F(EscalationCauseTest, DeathOfASignalThatWeDidNotSendIsAnothers) {
  begin();
  sys_.at(ms(500), [this] { sys_.exit(sys_.leader(), killed_by(Signal::kill())); });
  EXPECT_EQ(cause_of(usual()), EndCause::kByAnother);
}

TEST_F(EscalationCauseTest, DeathOfOurSignalIsOurs) {
  begin();
  sys_.leader().dies_of(SIGINT, ms(5));
  EXPECT_EQ(cause_of(usual()), EndCause::kByUs);
}

TEST_F(EscalationCauseTest, DeathOfAnEarlierSignalOfOursIsOurs) {
  begin();
  sys_.leader().dies_of(SIGINT, ms(1500));
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_EQ(report.cause, EndCause::kByUs);
}

TEST_F(EscalationCauseTest, ExitOfAHandlerIsOurs) {
  begin();
  sys_.leader().dies_of(SIGTERM, ms(5), ExitStatus::exited(0));
  EXPECT_EQ(cause_of(TerminationPolicy::service(seconds(1))), EndCause::kByUs);
}

TEST_F(EscalationCauseTest, DeathOfAManualSignalIsOurs) {
  begin();
  {
    const Lock lock(child_);
    sys_.leader().dies_of(SIGUSR1);
    EXPECT_EQ(child_.group().send(lock, AttemptTarget::kGroup, SIGUSR1), 0);
  }
  EXPECT_EQ(cause_of(usual()), EndCause::kByUs);
}

TEST_F(EscalationCauseTest, ContinuingIsNotEnding) {
  begin();
  {
    const Lock lock(child_);
    EXPECT_EQ(child_.group().send(lock, AttemptTarget::kGroup, SIGCONT), 0);
    EXPECT_EQ(child_.group().send(lock, AttemptTarget::kLeader, 0), 0);
  }
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_EQ(cause_of(usual()), EndCause::kNatural);
}

TEST_F(EscalationCauseTest, CauseOfALostStatusIsUnknown) {
  begin();
  sys_.leader().dies_of(SIGTERM);
  sys_.during_next_signal = [this] { sys_.steal_zombie(); };
  const TerminationReport report = report_of(TerminationPolicy::service(seconds(1)));
  EXPECT_EQ(report.status, ExitStatus::lost());
  EXPECT_EQ(report.cause, EndCause::kUnknown);
}

TEST(EndCauseTest, WordsAreThoseOfTheJsonReport) {
  EXPECT_EQ(to_string(EndCause::kNatural), "natural");
  EXPECT_EQ(to_string(EndCause::kByUs), "by_us");
  EXPECT_EQ(to_string(EndCause::kByAnother), "by_another");
  EXPECT_EQ(to_string(EndCause::kUnknown), "unknown");
}

class EscalationStuckTest : public SimulatedChild {};

TEST_F(EscalationStuckTest, ZombieThatATracerHoldsNamesTheTracer) {
  begin();
  FakeProcess& debugger = sys_.recycle(77, 77);
  debugger.program = "gdb";
  sys_.leader().traced = true;
  sys_.leader().tracer_pid = 77;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kNotReapable);
  ASSERT_THAT(error.stuck, SizeIs(1));
  const StuckProcess& stuck = error.stuck[0];
  EXPECT_EQ(stuck.pid, FakeSys::kLeaderPid);
  EXPECT_EQ(stuck.program, "leader");
  EXPECT_EQ(stuck.state, 'Z');
  EXPECT_EQ(stuck.tracer_pid, 77);
  EXPECT_EQ(stuck.tracer_program, "gdb");
  EXPECT_THAT(error.to_string(), HasSubstr("1000 (leader), state Z, traced by 77 (gdb)"));
}

TEST_F(EscalationStuckTest, FrozenChildIsRunningAndSaysWhereItSleeps) {
  begin();
  sys_.leader().unkillable = true;
  sys_.leader().wait_channel = "__refrigerator";
  sys_.leader().uid = 1234;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kStillRunning);
  ASSERT_THAT(error.stuck, SizeIs(1));
  EXPECT_EQ(error.stuck[0].state, 'D');
  EXPECT_EQ(error.stuck[0].wait_channel, "__refrigerator");
  EXPECT_EQ(error.stuck[0].uid, 1234);
  EXPECT_EQ(error.stuck[0].tracer_pid, 0);
  EXPECT_THAT(error.to_string(), HasSubstr("1000 (leader), state D, in __refrigerator, of user 1234"));
}

TEST_F(EscalationStuckTest, SurvivorsAreToldOfToo) {
  begin();
  sys_.leader().dies_of(SIGINT);
  FakeProcess& worker = sys_.add_member("worker");
  worker.unkillable = true;
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kSurvivors);
  ASSERT_THAT(error.stuck, SizeIs(1));
  EXPECT_EQ(error.stuck[0].pid, worker.pid);
  EXPECT_EQ(error.stuck[0].state, 'D');
  EXPECT_THAT(error.survivors, ElementsAre(Survivor{worker.pid, "worker"}));
}

TEST_F(EscalationStuckTest, ManySurvivorsAreCutShortButAllNamed) {
  begin();
  sys_.leader().dies_of(SIGINT);
  for (int i = 0; i < 40; ++i) sys_.add_member("worker").unkillable = true;
  const TerminationError error = error_of(usual());
  EXPECT_THAT(error.stuck, SizeIs(16));
  EXPECT_THAT(error.survivors, SizeIs(40));
}

TEST_F(EscalationStuckTest, HiddenProcIsNoErrorOfItsOwn) {
  begin();
  sys_.leader().unkillable = true;
  sys_.at(seconds(5), [this] { sys_.fail_always(FakeSys::Call::kReadProc, EACCES); });
  const TerminationError error = error_of(usual());
  EXPECT_EQ(error.code, Errc::kStillRunning);
  EXPECT_THAT(error.stuck, IsEmpty());
  EXPECT_THAT(error.to_string(), Not(HasSubstr("Left:")));
}

TEST_F(EscalationStuckTest, ARetryWorksOnceNothingHoldsIt) {
  begin();
  sys_.leader().traced = true;
  sys_.leader().tracer_pid = 900;
  EXPECT_EQ(error_of(usual()).code, Errc::kNotReapable);
  sys_.leader().traced = false;
  const TerminationReport report = report_of(usual());
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::kill(), false));
  EXPECT_EQ(report.cause, EndCause::kByUs);
}

// Every step takes time.
class TickingSys : public FakeSys {
 public:
  TimePoint now() override {
    advance_clock(absl::Microseconds(1));
    return FakeSys::now();
  }
};

TEST(EscalationOrderTest, NoAttemptBeginsBeforeTheOneBeforeIt) {
  TickingSys sys;
  Supervised child(sys, "victim");
  Lock lock(child);
  child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
  sys.leader().dies_of(SIGINT);
  sys.add_member("worker");
  const TerminationResult result = terminate_child(child, lock, usual());
  ASSERT_TRUE(result.has_value()) << result.error();
  const AttemptLog& attempts = result.value().attempts;
  EXPECT_GT(attempts.size(), 8u);
  for (std::size_t i = 1; i < attempts.size(); ++i) {
    EXPECT_GE(attempts[i].started, attempts[i - 1].started) << attempts;
  }
}

}  // namespace
}  // namespace warden::internal

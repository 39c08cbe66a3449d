// The escalation beside so many processes that to read /proc takes a time that counts: the clock moves with each
// process that is read.
#include <algorithm>
#include <vector>

#include "lib/terminate/terminate_children.h"
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

class EscalationBoundTest : public SimulatedChild {
 protected:
  static constexpr int kStrangers = 30;

  // The leader dies of the first signal. A dead member of its group stays, so that only /proc tells who lives in it.
  void begin_with_corpse(Kernel kernel, absl::Duration reading) {
    for (int i = 0; i < kStrangers; ++i) sys_.recycle(5000 + i, 5000 + i);
    begin(kernel);
    sys_.leader().dies_of(SIGINT);
    sys_.init_delay = absl::Hours(1);
    sys_.exit(sys_.add_member("corpse"), ExitStatus::exited(0));
    sys_.time_of_reading_one = reading / kStrangers;
  }

  static TerminationPolicy policy(absl::Duration interrupt, absl::Duration terminate, absl::Duration kill) {
    TerminationPolicy policy = TerminationPolicy::interrupt_first(interrupt, terminate);
    policy.kill_timeout = kill;
    return policy;
  }

  // When the signal was sent to the group.
  static absl::Duration time_of(const AttemptLog& log, Signal signal) {
    for (const Attempt& attempt : log) {
      if (attempt.operation == AttemptOperation::kSendSignal && attempt.signal == signal) return attempt.started;
    }
    return absl::InfiniteDuration();
  }
};

TEST_F(EscalationBoundTest, OneReadingTellsThatAGroupOfCorpsesIsEmptyThoughOthersComeAndGo) {
  for (const int pid : {5000, 5010, 5020}) {
    sys_.before_visit[pid] = [this, pid] {
      for (int born = 0; born < 3; ++born) sys_.recycle(6000 + pid + born, 6000 + pid + born);
    };
  }
  begin_with_corpse(Kernel::kNew, ms(300));
  const TerminationReport report = report_of(policy(ms(500), ms(500), seconds(1)));
  EXPECT_FALSE(report.forced);
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_EQ(sys_.count(FakeSys::Call::kListProcesses), 1u);
}

TEST_F(EscalationBoundTest, IsTheSumOfThePhasesAndOneReading) {
  begin_with_corpse(Kernel::kNew, ms(300));
  sys_.never_settle();
  const TerminationError error = error_of(policy(ms(500), ms(700), seconds(1)));
  EXPECT_EQ(error.code, Errc::kGroupUnknown);
  EXPECT_THAT(sys_.elapsed(), AllOf(Ge(ms(2200)), Le(ms(2200 + 350))));
}

// The first look of each phase is made whole.
TEST_F(EscalationBoundTest, APhaseThatIsShorterThanAReadingTakesAsLongAsThat) {
  begin_with_corpse(Kernel::kNew, ms(300));
  sys_.never_settle();
  const TerminationError error = error_of(policy(ms(50), ms(60), ms(100)));
  EXPECT_EQ(error.code, Errc::kGroupUnknown);
  EXPECT_LE(sys_.elapsed(), ms(3 * 355));
  const absl::Duration interrupted = time_of(error.attempts, Signal::interrupt());
  const absl::Duration terminated = time_of(error.attempts, Signal::terminate());
  const absl::Duration killed = time_of(error.attempts, Signal::kill());
  EXPECT_GE(terminated - interrupted, ms(50));
  EXPECT_GE(killed - terminated, ms(60));
}

// A reading is made under the child's lock. Between two of them the lock is free: somebody waits.
TEST_F(EscalationBoundTest, NobodyWaitsForMoreThanOneReading) {
  begin_with_corpse(Kernel::kNew, ms(5));
  sys_.never_settle();
  error_of(policy(ms(500), ms(500), seconds(1)));
  int readings = 0, most = 0;
  for (const FakeSys::Record& record : sys_.calls()) {
    if (record.call == FakeSys::Call::kWait || record.call == FakeSys::Call::kPoll) readings = 0;
    if (record.call == FakeSys::Call::kListProcesses) most = std::max(most, ++readings);
  }
  EXPECT_GT(sys_.count(FakeSys::Call::kListProcesses), 10u);
  EXPECT_EQ(most, 1);
}

TEST_F(EscalationBoundTest, ATerminationOfSeveralReadsOncePerTurn) {
  begin_with_corpse(Kernel::kNew, ms(5));
  sys_.never_settle();
  const std::vector<TerminationResult> results = terminate_children({&child_}, policy(ms(500), ms(500), seconds(1)));
  ASSERT_TRUE(results[0].has_error());
  EXPECT_EQ(results[0].error().code, Errc::kGroupUnknown);
  EXPECT_LE(sys_.elapsed(), ms(2000 + 4 * 7));
}

// Its next reading may come only after the kill's time, and is the first after the signal.
TEST_F(EscalationBoundTest, ATerminationOfSeveralLooksAnewAfterSigkill) {
  begin_with_corpse(Kernel::kNew, ms(300));
  FakeProcess& worker = sys_.add_member("worker");
  TerminationPolicy immediate = TerminationPolicy::immediate();
  immediate.kill_timeout = ms(1);
  const std::vector<TerminationResult> results = terminate_children({&child_}, immediate);
  EXPECT_FALSE(worker.alive());
  ASSERT_TRUE(results[0].has_value()) << results[0].error();
}

}  // namespace
}  // namespace warden::internal

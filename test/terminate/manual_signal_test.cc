// One signal on request: every row of its table (look, send, second look).
#include "lib/terminate/send_signal.h"

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ManualSignalTest : public SimulatedChild {
 protected:
  void TearDown() override {
    SimulatedChild::TearDown();
    EXPECT_THAT(messages_.messages(), IsEmpty()) << "a manual signal logs nothing";
    EXPECT_EQ(sys_.elapsed(), kZero) << "a manual signal does not wait";
    EXPECT_LE(looks(), 2u);
    EXPECT_LE(sys_.signals().size(), 1u);
  }

  Result<void, TerminationError> send(Signal signal) {
    Lock lock(child_);
    return send_manual_signal(child_, lock, signal);
  }

  std::vector<std::string> last_log() {
    const Lock lock(child_);
    return lines_of(child_.last_log(lock));
  }

  std::size_t looks() { return sys_.count(FakeSys::Call::kLook) + sys_.count(FakeSys::Call::kReap); }
};

TEST_F(ManualSignalTest, EndedChildIsASuccessAndIsSentNothing) {
  begin();
  sys_.exit(sys_.leader(), ExitStatus::exited(0));
  EXPECT_TRUE(send(Signal::interrupt()).has_value());
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_TRUE(is_end_seen());
  EXPECT_THAT(last_log(), IsEmpty());
}

TEST_F(ManualSignalTest, ThatSendsNothingLeavesTheLogOfTheLastEscalation) {
  begin();
  sys_.leader().dies_of(SIGTERM);
  const TerminationReport report = report_of(TerminationPolicy::service(kZero));
  sys_.forget_calls();
  EXPECT_TRUE(send(Signal::interrupt()).has_value());
  EXPECT_EQ(last_log(), lines_of(report.attempts));
}

TEST_F(ManualSignalTest, UnknownStateIsAnErrorAndNothingIsSent) {
  begin();
  sys_.fail_next(FakeSys::Call::kLook, EACCES);
  const auto result = send(Signal::terminate());
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().kind, TerminationError::Kind::kSignalFailed);
  EXPECT_EQ(result.error().code, std::errc::permission_denied);
  EXPECT_EQ(result.error().process_name, "victim");
  EXPECT_THAT(lines_of(result.error().attempts),
              ElementsAre("@0 terminate check_status SIGTERM leader: failed EACCES"));
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_FALSE(is_end_seen());
}

TEST_F(ManualSignalTest, RunningChildsGroupIsSentTheSignalAndNothingElse) {
  begin();
  open_stdin();
  sys_.leader().stopped = true;
  EXPECT_TRUE(send(Signal::interrupt()).has_value());
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGINT")) << "no SIGCONT";
  EXPECT_THAT(last_log(), ElementsAre("@0 interrupt send_signal SIGINT group: ok"));
  EXPECT_FALSE(is_end_seen());
  EXPECT_TRUE(stdin_is_open());
  EXPECT_EQ(looks(), 1u);
}

TEST_F(ManualSignalTest, FailedSendToAChildThatIsThenFoundEndedIsASuccess) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, ESRCH);
  sys_.during_next_signal = [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); };
  EXPECT_TRUE(send(Signal::interrupt()).has_value());
  EXPECT_TRUE(is_end_seen());
  EXPECT_EQ(looks(), 2u);
  EXPECT_THAT(last_log(), ElementsAre("@0 interrupt send_signal SIGINT group: failed ESRCH"));
}

TEST_F(ManualSignalTest, FailedSendToARunningChildIsAnErrorWithOneAttempt) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  const auto result = send(Signal::interrupt());
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().kind, TerminationError::Kind::kSignalFailed);
  EXPECT_EQ(result.error().code, std::errc::operation_not_permitted);
  EXPECT_THAT(lines_of(result.error().attempts), ElementsAre("@0 interrupt send_signal SIGINT group: failed EPERM"));
  EXPECT_FALSE(is_end_seen());
  EXPECT_EQ(looks(), 2u);
  EXPECT_EQ(phase(), Leader::Stage::kRunning);
}

TEST_F(ManualSignalTest, FailedSendAndFailedSecondLookAreTwoAttemptsInThatOrder) {
  begin();
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  sys_.during_next_signal = [this] { sys_.fail_next(FakeSys::Call::kLook, EIO); };
  const auto result = send(Signal::terminate());
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, std::errc::operation_not_permitted);
  EXPECT_THAT(lines_of(result.error().attempts), ElementsAre("@0 terminate send_signal SIGTERM group: failed EPERM",
                                                             "@0 terminate check_status SIGTERM leader: failed EIO"));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(ManualSignalTest, ChildAfterAFailedSignalCanStillBeSignalled) {
  begin();
  sys_.leader().dies_of(SIGINT);
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM);
  EXPECT_TRUE(send(Signal::interrupt()).has_error());
  EXPECT_TRUE(sys_.leader().alive());
  Lock lock(child_);
  EXPECT_EQ(child_.group().send(lock, AttemptTarget::kLeader, SIGINT), 0);
  EXPECT_FALSE(sys_.leader().alive());
  sys_.forget_calls();
}

TEST_F(ManualSignalTest, ChildWithoutAGroupOfItsOwnIsSignalledAlone) {
  begin(Kernel::kNew, /*leads_group=*/false);
  EXPECT_TRUE(send(Signal::user1()).has_value());
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_process SIGUSR1"));
  EXPECT_THAT(last_log(), ElementsAre("@0 signal send_signal SIGUSR1 leader: ok"));
}

TEST_F(ManualSignalTest, KillByHandIsAKillAttempt) {
  begin(Kernel::kOld);
  EXPECT_TRUE(send(Signal::kill()).has_value());
  EXPECT_THAT(sys_.signals(), ElementsAre("kill_group SIGKILL"));
  EXPECT_THAT(last_log(), ElementsAre("@0 kill send_signal SIGKILL group: ok"));
  EXPECT_FALSE(is_end_seen()) << "success says nothing about the child's fate";
}

}  // namespace
}  // namespace warden::internal

// The escalation, row by row: each state with each of its events. S0 is the preflight; S1, S2 and S3 are the sending of
// SIGINT, the wait for the exit, and the 100 ms of grace after a failed send; S4 to S6 are the same for SIGTERM, S7 to
// S9 for SIGKILL. An event is a success or failure of the send, or an exit, a timeout or a failed look. Each test
// checks what the caller gets, what AttemptLog::errors() has, which messages there are, and that only a success counts
// as an end seen.
#include <errno.h>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using Lines = std::vector<std::string>;

class EscalationRowTest : public SimulatedChild {
 protected:
  EscalationRowTest() { begin(); }

  static Lines errors_of(const AttemptLog& log) {
    Lines lines;
    for (const Attempt& attempt : log.errors()) lines.push_back(line_of(attempt));
    return lines;
  }
  Lines errors_of(const TerminationResult& result) const {
    return errors_of(result.has_value() ? result.value().attempts : result.error().attempts);
  }

  void refuse_next_send() { sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EPERM); }
  // Makes every look fail between the two times.
  void break_looks(absl::Duration from, absl::Duration to) {
    sys_.at(from, [this] { sys_.fail_always(FakeSys::Call::kLook, EIO); });
    sys_.at(to, [this] { sys_.fail_next(FakeSys::Call::kLook, 0, 0); });
  }
  void exit_at(absl::Duration time) {
    sys_.at(time, [this] { sys_.exit(sys_.leader(), ExitStatus::exited(7)); });
  }

  static auto warning(const char* about) { return AllOf(StartsWith("WARN victim: "), HasSubstr(about)); }
  static auto error(const char* about) { return AllOf(StartsWith("ERROR victim: "), HasSubstr(about)); }
};

TEST_F(EscalationRowTest, S0Exited) {
  sys_.exit(sys_.leader(), ExitStatus::exited(7));
  open_stdin();
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().status, ExitStatus::exited(7));
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_THAT(errors_of(result), IsEmpty());
  EXPECT_THAT(messages_.messages(), IsEmpty());
  EXPECT_TRUE(stdin_is_open()) << "not touched without a signal";
}

TEST_F(EscalationRowTest, S0Error) {
  sys_.fail_next(FakeSys::Call::kLook, EIO);
  sys_.leader().dies_of(SIGINT);
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kInterrupt);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 preflight check_status - leader: failed EIO"));
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("unknown")));
}

TEST_F(EscalationRowTest, S1OkAndS2Exited) {
  exit_at(ms(999));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kInterrupt);
  EXPECT_THAT(sys_.signals(), ElementsAre("pidfd_kill_group SIGINT", "pidfd_kill_group SIGCONT"));
  EXPECT_THAT(errors_of(result), IsEmpty());
  EXPECT_THAT(messages_.messages(), IsEmpty());
}

TEST_F(EscalationRowTest, S2TimeoutAndS5Exited) {
  exit_at(ms(1001));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kTerminate);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s"));
  EXPECT_THAT(messages_.messages(), ElementsAre(AllOf(warning("SIGINT"), HasSubstr("1s"))));
}

TEST_F(EscalationRowTest, S2ErrorGoesOn) {
  break_looks(ms(500), ms(1500));
  exit_at(ms(2000));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kTerminate);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt wait_for_exit SIGINT -: failed EIO +1s"));
  EXPECT_THAT(messages_.messages(), ElementsAre(AllOf(warning("unknown after SIGINT"), HasSubstr("error"))));
}

TEST_F(EscalationRowTest, S1FailedAndS3Exited) {
  refuse_next_send();
  exit_at(ms(99));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kInterrupt);
  EXPECT_FALSE(result.value().forced);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt send_signal SIGINT group: failed EPERM"));
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT could not be sent")));
}

TEST_F(EscalationRowTest, S3TimeoutIsNoErrorOfItsOwnAndNoMessage) {
  refuse_next_send();
  exit_at(ms(101));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kTerminate);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt send_signal SIGINT group: failed EPERM"));
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT could not be sent")));
}

TEST_F(EscalationRowTest, S3Error) {
  refuse_next_send();
  break_looks(ms(50), ms(150));
  exit_at(ms(200));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kTerminate);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt send_signal SIGINT group: failed EPERM",
                                             "@0 interrupt check_status SIGINT -: failed EIO +100ms"));
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT could not be sent"), warning("unknown after SIGINT")));
}

TEST_F(EscalationRowTest, S4FailedAndS6Exited) {
  sys_.at(ms(900), [this] { refuse_next_send(); });
  exit_at(ms(1099));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kTerminate);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s",
                                             "@1s terminate send_signal SIGTERM group: failed EPERM"));
}

TEST_F(EscalationRowTest, S5TimeoutAndS8Exited) {
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kKill);
  EXPECT_TRUE(result.value().forced);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s",
                                             "@1s terminate wait_for_exit SIGTERM -: timed_out ETIMEDOUT +2s"));
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT"), warning("SIGTERM")));
}

TEST_F(EscalationRowTest, S5ErrorGoesOn) {
  break_looks(ms(1500), ms(3001));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kKill);
  EXPECT_THAT(errors_of(result).back(), "@1s terminate wait_for_exit SIGTERM -: failed EIO +2s");
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT"), warning("unknown after SIGTERM")));
}

TEST_F(EscalationRowTest, S6Error) {
  sys_.at(ms(900), [this] { refuse_next_send(); });
  break_looks(ms(1050), ms(1101));
  const TerminationResult result = terminate(usual());
  EXPECT_TRUE(result.value().forced);
  EXPECT_EQ(sys_.elapsed(), ms(1101));
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s",
                                             "@1s terminate send_signal SIGTERM group: failed EPERM",
                                             "@1s terminate check_status SIGTERM -: failed EIO +100ms"));
}

TEST_F(EscalationRowTest, S8Timeout) {
  sys_.leader().unkillable = true;
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.error().code, Errc::kStillRunning);
  EXPECT_THAT(errors_of(result), ElementsAre("@0 interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s",
                                             "@1s terminate wait_for_exit SIGTERM -: timed_out ETIMEDOUT +2s",
                                             "@3s kill wait_for_exit SIGKILL -: timed_out ETIMEDOUT +3s"));
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT"), warning("SIGTERM"), error("may still run")));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(EscalationRowTest, S8Error) {
  sys_.leader().unkillable = true;
  break_looks(seconds(4), seconds(10));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.error().code, Errc::kStatusUnknown);
  EXPECT_THAT(errors_of(result).back(), "@3s kill wait_for_exit SIGKILL -: failed EIO +3s");
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT"), warning("SIGTERM"), error("may still run")));
}

TEST_F(EscalationRowTest, S7FailedAndS9Exited) {
  sys_.at(ms(2900), [this] { refuse_next_send(); });
  exit_at(ms(3099));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.value().ended_by, AttemptPhase::kKill);
  EXPECT_FALSE(result.value().forced);
  EXPECT_THAT(errors_of(result).back(), "@3s kill send_signal SIGKILL group: failed EPERM");
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT"), warning("SIGTERM"), error("by hand")));
}

TEST_F(EscalationRowTest, S9TimeoutIsNotSaidTwice) {
  sys_.at(ms(2900), [this] { refuse_next_send(); });
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.error().code, std::errc::operation_not_permitted);
  EXPECT_EQ(sys_.elapsed(), ms(3100));
  EXPECT_THAT(errors_of(result).back(), "@3s kill send_signal SIGKILL group: failed EPERM");
  EXPECT_THAT(messages_.messages(), ElementsAre(warning("SIGINT"), warning("SIGTERM"), error("by hand")));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(EscalationRowTest, S9Error) {
  sys_.at(ms(2900), [this] { refuse_next_send(); });
  break_looks(ms(3050), seconds(10));
  const TerminationResult result = terminate(usual());
  EXPECT_EQ(result.error().code, std::errc::operation_not_permitted);
  EXPECT_THAT(errors_of(result).back(), "@3s kill check_status SIGKILL -: failed EIO +100ms");
  EXPECT_THAT(messages_.messages(),
              ElementsAre(warning("SIGINT"), warning("SIGTERM"), error("by hand"), warning("unknown after SIGKILL")));
}

// The preflight and both catchable signals fail, and SIGKILL still ends the child.
TEST_F(EscalationRowTest, FailuresDoNotStopTheEscalation) {
  sys_.fail_next(FakeSys::Call::kLook, EIO);
  sys_.fail_next(FakeSys::Call::kPidfdKillGroup, EIO, 2);
  const TerminationResult result = terminate(TerminationPolicy::interrupt_first(ms(10), ms(10)));
  EXPECT_EQ(result.value().status, ExitStatus::signaled(Signal::kill(), false));
  EXPECT_TRUE(result.value().forced);
  EXPECT_EQ(sys_.elapsed(), ms(200));
  EXPECT_THAT(errors_of(result), ElementsAre("@0 preflight check_status - leader: failed EIO",
                                             "@0 interrupt send_signal SIGINT group: failed EIO",
                                             "@100ms terminate send_signal SIGTERM group: failed EIO"));
}

TEST_F(EscalationRowTest, KillThatCannotBeSentIsOneErrorAndCanBeRepeated) {
  refuse_next_send();
  const TerminationResult refused = terminate(TerminationPolicy::immediate());
  EXPECT_EQ(refused.error().code, std::errc::operation_not_permitted);
  EXPECT_THAT(errors_of(refused), ElementsAre("@0 kill send_signal SIGKILL group: failed EPERM"));
  EXPECT_FALSE(is_end_seen());
  EXPECT_TRUE(terminate(TerminationPolicy::immediate()).has_value());
}

TEST_F(EscalationRowTest, ThereAreAtMostSevenErrors) {
  sys_.fail_always(FakeSys::Call::kLook, EIO);
  sys_.fail_always(FakeSys::Call::kPidfdKillGroup, EPERM);
  const TerminationResult result = terminate(usual());
  EXPECT_THAT(errors_of(result), ElementsAre("@0 preflight check_status - leader: failed EIO",
                                             "@0 interrupt send_signal SIGINT group: failed EPERM",
                                             "@0 interrupt check_status SIGINT -: failed EIO +100ms",
                                             "@100ms terminate send_signal SIGTERM group: failed EPERM",
                                             "@100ms terminate check_status SIGTERM -: failed EIO +100ms",
                                             "@200ms kill send_signal SIGKILL group: failed EPERM",
                                             "@200ms kill check_status SIGKILL -: failed EIO +100ms"));
}

}  // namespace
}  // namespace warden::internal

// A wait that turns into a termination: at its timeout, or because the wait failed.
#include "lib/terminate/wait_or_terminate_child.h"

#include <errno.h>

#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Kind = WaitOrTerminateError::Kind;

class WaitOrTerminateChildTest : public SimulatedChild {
 protected:
  WaitOrTerminateChildTest() { begin(); }
  auto run(absl::Duration timeout, const TerminationPolicy& policy = usual()) {
    Lock lock(child_);
    return wait_or_terminate_child(child_, lock, timeout, policy);
  }
};

TEST_F(WaitOrTerminateChildTest, ExitInTimeIsReturnedAndNothingIsSent) {
  sys_.at(ms(90), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(3)); });
  const auto result = run(ms(100));
  EXPECT_EQ(result.value().status, ExitStatus::exited(3));
  EXPECT_EQ(result.value().timeout, ms(100));
  EXPECT_FALSE(result.value().timed_out());
  EXPECT_THAT(sys_.signals(), IsEmpty());
  EXPECT_TRUE(is_end_seen());
}

TEST_F(WaitOrTerminateChildTest, ChildIsTerminatedAfterTheTimeout) {
  sys_.leader().dies_of(SIGTERM);
  const auto result = run(ms(10));
  ASSERT_TRUE(result.value().timed_out());
  EXPECT_EQ(result.value().status, ExitStatus::signaled(Signal::terminate(), false));
  EXPECT_EQ(result.value().timeout, ms(10));
  EXPECT_EQ(result.value().termination->ended_by, AttemptPhase::kTerminate);
  EXPECT_EQ(result.value().termination->cause, EndCause::kByUs);
  EXPECT_EQ(sys_.elapsed(), ms(1010));
  EXPECT_TRUE(is_end_seen());
}

TEST_F(WaitOrTerminateChildTest, ZeroLooksOnceAndTerminates) {
  sys_.leader().dies_of(SIGINT);
  EXPECT_TRUE(run(kZero).value().timed_out());
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(WaitOrTerminateChildTest, InfiniteTimeoutIsAWait) {
  sys_.at(absl::Hours(10'000), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  EXPECT_FALSE(run(absl::InfiniteDuration()).value().timed_out());
}

TEST_F(WaitOrTerminateChildTest, StdinIsClosedBeforeTheWait) {
  open_stdin();
  sys_.at(ms(1), [this] {
    EXPECT_FALSE(stdin_is_open());
    sys_.exit(sys_.leader(), ExitStatus::exited(0));
  });
  EXPECT_FALSE(run(seconds(1)).value().timed_out());
}

TEST_F(WaitOrTerminateChildTest, FailedTerminationKeepsTheTimeoutAndTheAttempts) {
  sys_.leader().unkillable = true;
  const auto result = run(ms(10));
  ASSERT_TRUE(result.has_error());
  const WaitOrTerminateError& error = result.error();
  EXPECT_EQ(error.kind, Kind::kTerminationFailed);
  EXPECT_EQ(error.process_name, "victim");
  EXPECT_EQ(error.timeout, ms(10));
  EXPECT_FALSE(error.wait_error.has_value());
  EXPECT_FALSE(error.termination.has_value());
  EXPECT_EQ(make_error_code(error), Errc::kStillRunning);
  EXPECT_THAT(lines_of(error.termination_error->attempts), Contains("@3s kill send_signal SIGKILL group: ok"));
  EXPECT_THAT(error.to_string(), AllOf(HasSubstr("'victim'"), HasSubstr("10ms"), HasSubstr("kill send_signal")));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(WaitOrTerminateChildTest, BrokenWaitTerminatesAndKeepsTheErrorAndTheReport) {
  sys_.fail_next(FakeSys::Call::kLook, EIO);
  sys_.leader().dies_of(SIGINT);
  const auto result = run(seconds(10));
  ASSERT_TRUE(result.has_error());
  const WaitOrTerminateError& error = result.error();
  EXPECT_EQ(error.kind, Kind::kWaitFailed);
  EXPECT_EQ(error.wait_error->code, std::errc::io_error);
  EXPECT_EQ(error.termination->status, ExitStatus::signaled(Signal::interrupt(), false));
  EXPECT_FALSE(error.termination_error.has_value());
  EXPECT_EQ(make_error_code(error), std::errc::io_error);
  EXPECT_THAT(error.to_string(), AllOf(HasSubstr("which was terminated"), HasSubstr("SIGINT")));
  EXPECT_TRUE(is_end_seen());
}

TEST_F(WaitOrTerminateChildTest, BothErrorsAreKeptWhenBothFail) {
  sys_.fail_next(FakeSys::Call::kLook, EIO);
  sys_.leader().denies_signals = true;
  const auto result = run(seconds(10));
  ASSERT_TRUE(result.has_error());
  const WaitOrTerminateError& error = result.error();
  EXPECT_EQ(error.kind, Kind::kWaitAndTerminationFailed);
  EXPECT_EQ(error.wait_error->code, std::errc::io_error);
  EXPECT_EQ(error.termination_error->code, std::errc::operation_not_permitted);
  EXPECT_EQ(make_error_code(error), std::errc::operation_not_permitted);
  EXPECT_THAT(error.to_string(), AllOf(HasSubstr("Input/output error"), HasSubstr("Operation not permitted")));
  EXPECT_FALSE(is_end_seen());
}

TEST_F(WaitOrTerminateChildTest, ExitBetweenTheWaitAndTheTerminationIsNaturalAndInTheReport) {
  sys_.after_next_look = [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); };
  const auto result = run(kZero);
  ASSERT_TRUE(result.value().timed_out());
  EXPECT_TRUE(result.value().status.success());
  EXPECT_EQ(result.value().termination->cause, EndCause::kNatural);
  EXPECT_EQ(result.value().termination->ended_by, AttemptPhase::kPreflight);
  EXPECT_THAT(sys_.signals(), IsEmpty());
}

}  // namespace
}  // namespace warden::internal

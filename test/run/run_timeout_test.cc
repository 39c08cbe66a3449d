// run() with children that take too long, and with streams that another process holds.
#include <signal.h>

#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/run_helpers.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

bool has_output(const RunResult& result) { return result.stdout_output.size() > 0; }

TEST(RunTimeout, TerminatesTheGroupAndKeepsTheOutputAndTheReport) {
  const CapturedLog log;
  const RunResult result = run_until(shell("sleep 600 & echo $$ $!; echo working >&2; wait"), {}, has_output);
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.status, ExitStatus::signaled(Signal::terminate(), false));
  EXPECT_EQ(result.termination->status, result.status);
  EXPECT_EQ(result.termination->ended_by, AttemptPhase::kTerminate);
  EXPECT_EQ(result.termination->cause, EndCause::kByUs);
  EXPECT_FALSE(result.termination->attempts.empty());
  EXPECT_GT(result.timeout, kNow);
  int leader = 0, worker = 0;
  std::istringstream(result.stdout_output.text()) >> leader >> worker;
  ASSERT_GT(worker, 1);
  EXPECT_TRUE(live_members(leader).empty());
  EXPECT_TRUE(Pidfd(worker).is_dead());
  EXPECT_TRUE(result.drain.complete());
  EXPECT_TRUE(log.records().empty());
}

TEST(RunTimeout, IsNotOverForAChildThatEndsInTime) {
  RunOptions options;
  options.timeout = kBound;
  EXPECT_FALSE(run(shell("exit 2"), options).value().timed_out());
}

TEST(RunTimeout, OfZeroTerminatesAtOnce) {
  RunOptions options;
  options.timeout = kNow;
  EXPECT_TRUE(run(test_command({"sleep"}), options).value().timed_out());
}

// SIGKILL ends a stubborn child, and the output from before it is kept.
TEST(RunTimeout, OfAStubbornChildEndsInSigkillAndHasWhatItWrote) {
  const absl::Duration little = absl::Milliseconds(25);
  RunOptions options;
  options.policy = TerminationPolicy::interrupt_first(little, little);
  const RunResult result =
      run_until(shell("trap '' INT TERM; echo ready; while :; do sleep 600; done"), options, has_output);
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.status.signal(), Signal::kill());
  EXPECT_TRUE(result.termination->forced);
  EXPECT_EQ(result.stdout_output.text(), "ready\n");
  EXPECT_TRUE(result.drain.complete());
}

TEST(RunTimeout, KeepsTheStatusOfAChildThatEndsInItsHandlerAndItsLastWords) {
  const RunResult result =
      run_until(shell("trap 'echo last; exit 4' TERM; echo ready; while :; do sleep 0.01; done"), {}, has_output);
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.status, ExitStatus::exited(4));
  EXPECT_EQ(result.stdout_output.text(), "ready\nlast\n");
}

// A process that outlives the child and holds its streams.
class RunHeld : public ::testing::Test {
 protected:
  // Returns the holder's pid once it holds the stream; the holder is killed at the test's end.
  int holder() {
    if (pid_ < 0) pid_ = wait_forked(ack_, {"child holding"});
    return pid_;
  }
  void TearDown() override {
    const Pidfd process(holder());
    EXPECT_FALSE(process.is_dead()) << "it is nobody's business but its own";
    EXPECT_TRUE(process.send(SIGKILL));
    EXPECT_TRUE(process.wait_dead());
  }
  void expect_held(const DrainResult& drain) {
    EXPECT_FALSE(drain.complete());
    ASSERT_EQ(drain.streams.size(), 2u);
    for (const StreamDrain& stream : drain.streams) {
      ASSERT_EQ(stream.holders.size(), 1u) << drain;
      EXPECT_EQ(stream.holders[0].pid, holder());
      EXPECT_EQ(stream.holders[0].program, "test_child");
    }
  }

  AckPipe ack_;

 private:
  int pid_ = -1;
};

// A descendant that holds a stream makes no error: the exit is the child's own, and a success stays one.
TEST_F(RunHeld, StreamIsNoErrorAndBlocksForTheDrainTimeoutOnly) {
  RunOptions options;
  options.drain_timeout = absl::Milliseconds(100);
  const Command command = test_command(ack_, {"fork", "hold-open", "--", "write", "left\n", "exit", "0"});
  const auto result = require_success(run(command, options));
  ASSERT_TRUE(result.has_value()) << result.error();
  EXPECT_TRUE(result.value().status.success());
  EXPECT_EQ(result.value().stdout_output.text(), "left\n");
  EXPECT_FALSE(result.value().stdout_output.complete());
  expect_held(result.value().drain);
}

TEST_F(RunHeld, StreamKeepsNoStatusFromBeingAnError) {
  RunOptions options;
  options.drain_timeout = kNow;
  const Command command = test_command(ack_, {"fork", "hold-open", "--", "write", "left\n", "exit", "5"});
  const RunError error = require_success(run(command, options)).error();
  EXPECT_EQ(error.status, ExitStatus::exited(5));
  EXPECT_EQ(error.stdout_output.text(), "left\n");
  expect_held(error.drain);
}

// Nor does a held stream make an error of a termination.
TEST_F(RunHeld, StreamDoesNotHinderATermination) {
  RunOptions options;
  options.drain_timeout = kNow;
  options.policy = TerminationPolicy::interrupt_first(absl::Milliseconds(1), absl::Milliseconds(1));
  const Command command =
      test_command(ack_, {"write", "left\n", "fork", "new-session", "hold-open", "--", "ignore", "INT"});
  // A holder that has not left the group yet ends with it.
  const RunResult result = run_until(command, options, [](const RunResult& r) { return !r.drain.complete(); });
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.stdout_output.text(), "left\n");
  expect_held(result.drain);
}

TEST(RunDrain, IsCompleteIfTheHolderGoesInTime) {
  RunOptions options;
  options.drain_timeout = absl::InfiniteDuration();
  const RunResult result = run(shell("(exec sleep 0.1) & echo out; echo err >&2"), options).value();
  EXPECT_TRUE(result.drain.complete());
  EXPECT_TRUE(result.stdout_output.complete());
  EXPECT_TRUE(result.stderr_output.complete());
  EXPECT_EQ(result.stderr_output.text(), "err\n");
}

}  // namespace
}  // namespace warden::test_support

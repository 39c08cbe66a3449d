// The end of a child's output: the drain has a timeout of its own, and a process that holds a stream blocks no other
// call.
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/output_helpers.h"
#include "test/support/proc_view.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;
constexpr absl::Duration kNow = absl::ZeroDuration();

// A child that exits with 5 at once and leaves a process behind that holds its stdout.
class HeldPipe : public ::testing::Test {
 protected:
  Child spawn_leaver(const std::vector<std::string>& holder = {"hold-open"}) {
    std::vector<std::string> mode = {"fork"};
    mode.insert(mode.end(), holder.begin(), holder.end());
    for (const char* word : {"--", "write", "left\n", "exit", "5"}) mode.emplace_back(word);
    Child child = Child::spawn(test_command(ack_, mode).stdout_to(Stdio::capture())).value();
    pid_ = wait_forked(ack_, {"child holding"});
    holder_.emplace(pid_);
    return child;
  }
  void TearDown() override {
    if (!holder_.has_value()) return;
    holder_->send(SIGKILL);
    EXPECT_TRUE(holder_->wait_dead());
  }

  AckPipe ack_;
  int pid_ = -1;
  std::optional<Pidfd> holder_;
};

TEST_F(HeldPipe, HoldsNoWaitAndMakesNoErrorOfASuccess) {
  Child child = spawn_leaver();
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(5));
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  EXPECT_FALSE(child.output(kStdout).value().complete());
  EXPECT_FALSE(holder_->is_dead());
}

TEST_F(HeldPipe, IsReportedWithWhoHoldsIt) {
  Child child = spawn_leaver();
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  for (const absl::Duration timeout : {kNow, absl::Milliseconds(20)}) {
    const DrainResult drained = child.drain_output(timeout).value();
    ASSERT_EQ(drained.streams.size(), 1u);
    const StreamDrain& out = drained.streams[0];
    EXPECT_FALSE(drained.complete());
    EXPECT_FALSE(out.complete);
    EXPECT_FALSE(out.read_error);
    EXPECT_EQ(out.stream, kStdout);
    ASSERT_EQ(out.holders.size(), 1u) << drained;
    EXPECT_EQ(out.holders[0].pid, pid_);
    EXPECT_EQ(out.holders[0].program, "test_child");
  }
  EXPECT_EQ(child.output(kStdout).value().text(), "left\n") << "all that was written is there";
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
}

// /proc shows no descriptors of a main thread that has exited.
TEST(HeldPipeOfAThread, IsReportedWithTheProcessWhoseMainThreadHasGone) {
  AckPipe ack;
  Child child =
      Child::spawn(test_command(ack, {"fork", "thread", "--", "exit", "5"}).stdout_to(Stdio::capture())).value();
  const int pid = wait_forked(ack, {"child main exited"});
  const Pidfd holder(pid);
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  const DrainResult drained = child.drain_output(kNow).value();
  const StreamDrain& out = drained.streams.at(0);
  EXPECT_FALSE(out.complete);
  ASSERT_EQ(out.holders.size(), 1u) << drained;
  EXPECT_EQ(out.holders[0].pid, pid);
  EXPECT_EQ(out.holders[0].program, "test_child");
  EXPECT_TRUE(holder.send(SIGKILL));
  EXPECT_TRUE(holder.wait_dead());
}

TEST_F(HeldPipe, IsCompleteOnceItsHolderHasGone) {
  Child child = spawn_leaver();
  EXPECT_FALSE(child.drain_output(kNow).value().complete());
  EXPECT_TRUE(holder_->send(SIGKILL));
  const DrainResult drained = child.drain_output(absl::InfiniteDuration()).value();
  EXPECT_TRUE(drained.complete());
  EXPECT_TRUE(drained.streams[0].holders.empty());
  EXPECT_TRUE(child.output(kStdout).value().complete());
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
}

TEST_F(HeldPipe, HoldsNoDestructorAndItsHolderIsLeftAlone) {
  const CapturedLog log;
  {
    Child child = spawn_leaver({"new-session", "hold-open"});
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  }
  EXPECT_FALSE(holder_->is_dead());
  EXPECT_TRUE(log.records().empty());
}

TEST_F(HeldPipe, HoldsNoTermination) {
  Child child = spawn_leaver({"new-session", "hold-open"});
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value(), ExitStatus::exited(5));
  EXPECT_EQ(child.kill().value(), ExitStatus::exited(5));
  const WaitOrTerminateResult done = child.wait_or_terminate(kNow, TerminationPolicy::immediate()).value();
  EXPECT_EQ(done.status, ExitStatus::exited(5));
  EXPECT_FALSE(done.timed_out());
  EXPECT_EQ(child.drain_output(kNow).value().streams[0].holders.size(), 1u);
}

// The holders are unknown where /proc does not show the processes.
TEST(HeldPipeWithoutProc, IsReportedWithoutItsHolders) {
  const std::string why_not = why_no_proc_view(ProcView::kCovered);
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  run_with_proc_view(ProcView::kCovered, NamespaceRole::kInit, [] {
    AckPipe ack;
    Child child =
        Child::spawn(test_command(ack, {"fork", "hold-open", "--", "exit", "5"}).stdout_to(Stdio::capture())).value();
    const Pidfd holder(wait_forked(ack, {"child holding"}));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
    const StreamDrain drain = child.drain_output(kNow).value().streams.at(0);
    EXPECT_FALSE(drain.complete);
    EXPECT_TRUE(drain.holders.empty());
    EXPECT_FALSE(drain.all_holders_known);
    EXPECT_TRUE(holder.send(SIGKILL));
    EXPECT_TRUE(holder.wait_dead());
    EXPECT_TRUE(child.drain_output(kBound).value().complete());
  });
}

TEST(Drain, SaysOfEachStreamWhetherItIsComplete) {
  const std::string script = "(exec >&-; echo holding >&2; exec sleep 600) & echo $!; read line";
  Child child = Child::spawn(captured_shell(script).stdin_from(Stdio::pipe())).value();
  const Pidfd holder(std::stoi(child.wait_for_line(kStdout, "", kBound).value().line));
  ASSERT_TRUE(child.wait_for_line(kStderr, "holding", kBound).value().matched());
  send_line(child);
  EXPECT_TRUE(child.wait().value().success());
  const DrainResult drained = child.drain_output(kNow).value();
  ASSERT_EQ(drained.streams.size(), 2u);
  EXPECT_EQ(drained.streams[0].stream, kStdout);
  EXPECT_TRUE(drained.streams[0].complete) << drained;
  EXPECT_EQ(drained.streams[1].stream, kStderr);
  EXPECT_FALSE(drained.streams[1].complete);
  EXPECT_EQ(drained.streams[1].holders.size(), 1u);
  EXPECT_TRUE(holder.send(SIGKILL));
  EXPECT_TRUE(holder.wait_dead());
}

TEST(Drain, OfARunningChildNamesTheChild) {
  Child child = Child::spawn(captured_shell("echo text; exec sleep 600").stderr_to(Stdio::merge())).value();
  ASSERT_TRUE(child.wait_for_line(kStdout, "text", kBound).value().matched());
  const StreamDrain drain = child.drain_output(kNow).value().streams.at(0);
  ASSERT_EQ(drain.holders.size(), 1u);
  EXPECT_EQ(drain.holders[0].pid, child.pid());
  EXPECT_TRUE(child.kill().has_value());
  EXPECT_TRUE(child.drain_output(kBound).value().complete());
}

// A drain without a timeout has everything that the child wrote, if no other process has the stream.
TEST(Drain, WithoutTimeIsCompleteAfterTheEndOfAChildThatWasAlone) {
  for (int i = 0; i < 50; ++i) {
    Child child = Child::spawn(captured_shell("printf text")).value();
    EXPECT_TRUE(child.wait().value().success());
    EXPECT_TRUE(child.drain_output(kNow).value().complete());
    EXPECT_EQ(child.output(kStdout).value().text(), "text");
  }
}

// Nothing is lost between two drains.
TEST(Drain, CanBeRepeatedAndHasEarlyAndLateOutput) {
  const std::string script = "printf early-out; printf early-err >&2; read line; printf late-out; printf late-err >&2";
  Child child = Child::spawn(captured_shell(script).stdin_from(Stdio::pipe())).value();
  EXPECT_FALSE(child.drain_output(absl::Milliseconds(25)).value().complete());
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  send_line(child);
  EXPECT_EQ(finished_output(child).text(), "early-outlate-out");
  EXPECT_EQ(finished_output(child, kStderr).text(), "early-errlate-err");
}

// The output of a child that had to be killed is kept.
TEST(Drain, HasTheOutputOfAStubbornChildThatWasTerminatedAfterItsTime) {
  const std::string script = "trap '' INT TERM; echo ready; while :; do sleep 600; done";
  Child child = Child::spawn(captured_shell(script)).value();
  ASSERT_TRUE(child.wait_for_line(kStdout, "ready", kBound).value().matched());
  const absl::Duration little = absl::Milliseconds(25);
  const WaitOrTerminateResult done =
      child.wait_or_terminate(little, TerminationPolicy::interrupt_first(little, little)).value();
  EXPECT_TRUE(done.timed_out());
  EXPECT_EQ(done.status.signal(), Signal::kill());
  EXPECT_TRUE(child.drain_output(kBound).value().complete());
  EXPECT_EQ(child.output(kStdout).value().text(), "ready\n");
}

// The kill ends the grandchildren that hold the stream, too, so the stream ends.
TEST(Drain, IsCompleteAfterAKillThatTookTheGrandchildrenToo) {
  Child child = Child::spawn(captured_shell("sleep 30 & echo $!; wait")).value();
  const Pidfd grandchild(std::stoi(child.wait_for_line(kStdout, "", kBound).value().line));
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_TRUE(grandchild.is_dead());
  EXPECT_TRUE(child.drain_output(kBound).value().complete());
}

// wait() closes the stdin of a child that reads to the end of its input.
TEST(Drain, HasWhatAFilterWroteAfterWaitHasClosedItsInput) {
  Command command("cat");
  Child child = Child::spawn(command.stdin_from(Stdio::pipe()).stdout_to(Stdio::capture())).value();
  send_line(child, "one line");
  EXPECT_EQ(finished_output(child).text(), "one line\n");
  EXPECT_EQ(child.stdin_fd(), -1);
}

TEST(Drain, OfStreamsThatWereDrainedIsCompleteAtOnce) {
  Child child = Child::spawn(captured_shell("echo text")).value();
  finished_output(child);
  EXPECT_TRUE(child.drain_output(kNow).value().complete());
  EXPECT_TRUE(child.drain_output(absl::InfiniteDuration()).value().complete());
}

}  // namespace
}  // namespace warden::test_support

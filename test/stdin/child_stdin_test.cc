// The stdin pipe: who closes it and who leaves it alone.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

Child spawn_with_pipe(const AckPipe& ack, const std::vector<std::string>& mode) {
  return Child::spawn(test_command(ack, mode).stdin_from(Stdio::pipe())).value();
}

TEST(Stdin, IsMinusOneWithoutAPipe) {
  Child child = Child::spawn(test_command({"exit", "0"})).value();
  EXPECT_EQ(child.stdin_fd(), -1);
  child.close_stdin();
  EXPECT_EQ(child.stdin_fd(), -1);
  EXPECT_TRUE(child.wait().value().success());
}

TEST(Stdin, IsCloseOnExecAndNoStandardStream) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"read"});
  EXPECT_GT(child.stdin_fd(), 2);
  EXPECT_EQ(::fcntl(child.stdin_fd(), F_GETFD), FD_CLOEXEC);
  EXPECT_TRUE(child.wait().value().success());
}

TEST(Stdin, CarriesWhatIsWrittenAndEndsWhenItIsClosed) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"read"});
  ASSERT_EQ(ack.wait_line(), "ready");
  ASSERT_EQ(::write(child.stdin_fd(), "hello", 5), 5);
  const int fd = child.stdin_fd();
  child.close_stdin();
  EXPECT_EQ(child.stdin_fd(), -1);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  child.close_stdin();
  EXPECT_EQ(ack.wait_line(), "eof 5");
  EXPECT_TRUE(child.wait().value().success());
}

TEST(Stdin, IsClosedByWait) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"read", "exit", "8"});
  ASSERT_EQ(::write(child.stdin_fd(), "abc", 3), 3);
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(8));
  EXPECT_EQ(child.stdin_fd(), -1);
  EXPECT_TRUE(ack.wait_for("eof 3"));
}

TEST(Stdin, IsLeftAloneByTimedWaitsLooksAndManualSignals) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"read"});
  ASSERT_EQ(ack.wait_line(), "ready");
  const int fd = child.stdin_fd();
  EXPECT_EQ(child.wait_for(absl::ZeroDuration()).value(), std::nullopt);
  EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt);
  EXPECT_EQ(child.wait_until(std::chrono::steady_clock::now()).value(), std::nullopt);
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
  EXPECT_EQ(child.stdin_fd(), fd);
  ASSERT_EQ(::write(fd, "late", 4), 4);
  child.close_stdin();
  EXPECT_EQ(ack.wait_line(), "eof 4");
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(0));
}

// The child ignores the signal and exits at the end of its input.
TEST(Stdin, IsClosedByTerminateBeforeTheFirstWait) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"ignore", "INT", "read", "exit", "5"});
  ASSERT_EQ(ack.wait_line(), "ready");
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kBound, kBound)).value();
  EXPECT_EQ(report.status, ExitStatus::exited(5));
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_EQ(child.stdin_fd(), -1);
}

TEST(Stdin, IsClosedByKill) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});  // a reader could exit at the end of file before the signal comes
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_EQ(child.stdin_fd(), -1);
}

TEST(Stdin, IsClosedByKillEvenWhenTheChildHasEnded) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"exit", "2"});
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(2));
  EXPECT_GT(child.stdin_fd(), 2);
  EXPECT_EQ(child.kill().value(), ExitStatus::exited(2));
  EXPECT_EQ(child.stdin_fd(), -1);
}

// terminate() has no wait for which it would close the pipe.
TEST(Stdin, IsLeftByTerminateWhenTheChildHasEnded) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"exit", "2"});
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(2));
  EXPECT_EQ(child.terminate(kBound, kBound).value(), ExitStatus::exited(2));
  EXPECT_GT(child.stdin_fd(), 2);
}

TEST(Stdin, IsClosedByTheEndOfAnExcusedHandle) {
  AckPipe ack;
  CapturedLog log;
  const auto process = [&ack] {
    Child child = spawn_with_pipe(ack, {"read", "exit", "0"});
    child.detach_on_destruction();
    return std::make_unique<Pidfd>(child.pid());
  }();
  EXPECT_TRUE(ack.wait_for("eof 0"));
  EXPECT_TRUE(process->wait_dead());
  EXPECT_TRUE(process->wait_reaped());
  EXPECT_TRUE(log.records().empty());
}

Child spawn_with_kept_pipe(const AckPipe& ack, const std::vector<std::string>& mode) {
  return Child::spawn(test_command(ack, mode).stdin_from(Stdio::pipe()).keep_stdin_open(true)).value();
}

TEST(KeptStdin, IsLeftOpenByAWaitWhileAnotherThreadWrites) {
  AckPipe ack;
  Child child = spawn_with_kept_pipe(ack, {"read", "exit", "8"});
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(child.write_stdin("hello", kBound).has_value());
    child.close_stdin();
  });
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(8));
  writer.join();
  EXPECT_TRUE(ack.wait_for("eof 500"));
}

TEST(KeptStdin, IsLeftOpenByEveryWaitAndWayToEndTheChild) {
  const std::function<void(Child&)> ends[] = {
      [](Child& child) { EXPECT_TRUE(child.wait().has_value()); },
      [](Child& child) { EXPECT_TRUE(child.wait_or_terminate(kBound, TerminationPolicy::immediate()).has_value()); },
      [](Child& child) { EXPECT_TRUE(child.terminate(kBound, kBound).has_value()); },
      [](Child& child) { EXPECT_TRUE(child.kill().has_value()); },
  };
  for (const auto& end : ends) {
    AckPipe ack;
    Child child = spawn_with_kept_pipe(ack, {"exit", "2"});
    EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(2));
    end(child);
    EXPECT_GT(child.stdin_fd(), 2);
    child.close_stdin();
    EXPECT_EQ(child.stdin_fd(), -1);
  }
}

TEST(KeptStdin, IsLeftOpenByAnEscalationThatEndsTheChild) {
  AckPipe ack;
  Child child = spawn_with_kept_pipe(ack, {"sleep"});
  ASSERT_EQ(ack.wait_line(), "ready");
  EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value().signal(), Signal::terminate());
  EXPECT_GT(child.stdin_fd(), 2);
}

// The child ignores the signal and exits at the end of its input.
TEST(KeptStdin, IsClosedByTheEndOfAHandleBeforeItsPolicyWaits) {
  AckPipe ack;
  const auto process = [&ack] {
    Child child = spawn_with_kept_pipe(ack, {"ignore", "TERM", "read", "exit", "0"});
    EXPECT_TRUE(ack.wait_for("ready"));
    EXPECT_TRUE(child.terminate_on_destruction(TerminationPolicy::service(absl::InfiniteDuration())).has_value());
    return std::make_unique<Pidfd>(child.pid());
  }();
  EXPECT_TRUE(ack.wait_for("eof 0"));
  EXPECT_TRUE(process->is_dead());
}

TEST(KeptStdin, IsNoMistakeWithoutAPipe) {
  Child child = Child::spawn(test_command({"exit", "0"}).keep_stdin_open(true)).value();
  EXPECT_TRUE(child.wait().value().success());
  EXPECT_EQ(child.stdin_fd(), -1);
}

TEST(Stdin, IsNotInheritedByOtherChildren) {
  AckPipe ack;
  Child reader = spawn_with_pipe(ack, {"read"});
  Child other = Child::spawn(test_command({"sleep"})).value();
  reader.close_stdin();
  EXPECT_TRUE(ack.wait_for("eof 0"));
  EXPECT_TRUE(reader.wait().value().success());
  EXPECT_TRUE(other.kill().has_value());
}

TEST(Stdin, MovesWithTheHandle) {
  AckPipe ack;
  Child first = spawn_with_pipe(ack, {"read"});
  const int fd = first.stdin_fd();
  Child second = std::move(first);
  EXPECT_EQ(second.stdin_fd(), fd);
  EXPECT_EQ(first.stdin_fd(), -1);  // NOLINT(bugprone-use-after-move): that is what is promised
  first.close_stdin();
  EXPECT_EQ(second.stdin_fd(), fd);
  EXPECT_TRUE(second.wait().value().success());
}

}  // namespace
}  // namespace warden::test_support

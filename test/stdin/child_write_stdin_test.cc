// Child::write_stdin writes everything, or says how much it wrote and why no more; it never raises SIGPIPE and never
// exceeds its timeout.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/large_text.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using Kind = StdinError::Kind;
using Written = Result<void, StdinError>;

Child spawn_with_pipe(const AckPipe& ack, const std::vector<std::string>& mode) {
  return Child::spawn(test_command(ack, mode).stdin_from(Stdio::pipe())).value();
}

TEST(WriteStdin, ReachesTheChildWholeWithItsNuls) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"digest"});
  const std::string text("a\0b\0\xff\n", 6);
  EXPECT_TRUE(child.write_stdin(text, kBound).has_value());
  EXPECT_TRUE(child.write_stdin("", kBound).has_value());
  EXPECT_TRUE(child.write_stdin(text, absl::InfiniteDuration()).has_value());
  EXPECT_GT(child.stdin_fd(), 2);
  child.close_stdin();
  EXPECT_TRUE(ack.wait_for(digest_line(text + text)));
  EXPECT_TRUE(child.wait().value().success());
}

TEST(WriteStdin, TenMebibytesReachAReadingChildWhole) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"digest"});
  const std::string text = large_text();
  const Written written = child.write_stdin(text, kBound);
  EXPECT_TRUE(written.has_value()) << written.error();
  child.close_stdin();
  EXPECT_TRUE(ack.wait_for(digest_line(text)));
  EXPECT_TRUE(child.wait().value().success());
}

TEST(WriteStdin, TenMebibytesToASleepingChildEndAtTheDeadlineAndTellHowMuchWent) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});
  const std::string text = large_text();
  const Written written = child.write_stdin(text, absl::Milliseconds(50));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kTimedOut);
  int unread = 0;
  ASSERT_EQ(::ioctl(child.stdin_fd(), FIONREAD, &unread), 0);
  EXPECT_GT(unread, 0);
  EXPECT_EQ(written.error().written, static_cast<std::size_t>(unread));
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WriteStdin, ZeroWritesWhatFitsAndDoesNotWait) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});
  const std::string text = large_text();
  while (child.write_stdin(text, absl::ZeroDuration()).error().written > 0) continue;
  int unread = 0;
  ASSERT_EQ(::ioctl(child.stdin_fd(), FIONREAD, &unread), 0);
  EXPECT_EQ(unread, ::fcntl(child.stdin_fd(), F_GETPIPE_SZ));
  EXPECT_EQ(child.write_stdin("x", absl::ZeroDuration()).error().kind, Kind::kTimedOut);
  EXPECT_TRUE(child.kill().has_value());
}

// The child gets exactly as much as the error says.
TEST(WriteStdin, WhatWentBeforeTheDeadlineIsWhatTheChildGets) {
  AckPipe ack;
  Command command = test_command(ack, {"stop", "digest"});
  Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
  ASSERT_TRUE(wait_stopped(child.pid()));
  const std::string text = large_text();
  const std::size_t went = child.write_stdin(text, absl::Milliseconds(20)).error().written;
  EXPECT_GT(went, 0u);
  EXPECT_LT(went, text.size());
  ASSERT_TRUE(child.send_signal(Signal::continue_process()).has_value());
  EXPECT_TRUE(child.write_stdin(std::string_view(text).substr(went), kBound).has_value());
  child.close_stdin();
  EXPECT_TRUE(ack.wait_for(digest_line(text)));
  EXPECT_TRUE(child.wait().value().success());
}

TEST(WriteStdin, FailsWhenTheChildHasClosedItsStdin) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"close-stdin"});
  ASSERT_EQ(ack.wait_line(), "closed");
  const Written written = child.write_stdin("hello", kBound);
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kNoReader);
  EXPECT_EQ(written.error().code, std::errc::broken_pipe);
  EXPECT_EQ(written.error().written, 0u);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WriteStdin, FailsWhenTheChildClosesItsStdinMeanwhile) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"read-some", "1000000", "close-stdin"});
  const Written written = child.write_stdin(large_text(), kBound);
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kNoReader);
  EXPECT_GE(written.error().written, 1000000u);
  EXPECT_LT(written.error().written, kLargeText);
  EXPECT_TRUE(ack.wait_for("closed"));
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WriteStdin, FailsWhenTheChildHasEnded) {
  Child child = Child::spawn(test_command({"exit", "3"}).stdin_from(Stdio::pipe())).value();
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(3));
  const Written written = child.write_stdin("hello", kBound);
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kChildEnded);
  EXPECT_EQ(written.error().code, std::errc::broken_pipe);
}

// The pipe keeps a reader, which never reads.
TEST(WriteStdin, EndsWhenTheChildDoesThoughADescendantHoldsThePipe) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"fork", "hold-open", "--", "read-some", "1000000", "exit", "4"});
  ack.close_write();
  wait_forked(ack, {"child holding"});
  const Written written = child.write_stdin(large_text(), absl::InfiniteDuration());
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kChildEnded);
  EXPECT_GE(written.error().written, 1000000u);
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(4));
  EXPECT_TRUE(child.kill().has_value());
  EXPECT_TRUE(ack.wait_eof());
}

TEST(WriteStdin, FailsWithoutAPipe) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  EXPECT_EQ(child.write_stdin("hello", kBound).error().kind, Kind::kClosed);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WriteStdin, RefusesANegativeTimeoutAndAMovedHandle) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"read"});
  const StdinError negative = child.write_stdin("hello", -absl::Nanoseconds(1)).error();
  EXPECT_EQ(negative.kind, Kind::kRefused);
  EXPECT_EQ(negative.code, std::errc::invalid_argument);
  EXPECT_EQ(negative.to_string(),
            "could not write to the stdin of 'read' after 0 bytes: invalid timeout '-1ns': a duration must not be "
            "negative");
  Child other = std::move(child);
  const StdinError moved = child.write_stdin("hello", kBound).error();  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(moved.kind, Kind::kRefused);
  EXPECT_EQ(moved.code, Errc::kEmptyHandle);
  EXPECT_TRUE(other.wait().value().success());
  EXPECT_TRUE(ack.wait_for("eof 0"));
}

TEST(WriteStdin, LeavesThePipeBlockingForWhoWritesToItHimself) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});
  EXPECT_TRUE(child.write_stdin(large_text(), absl::ZeroDuration()).has_error());
  EXPECT_EQ(::fcntl(child.stdin_fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_TRUE(child.kill().has_value());
}

}  // namespace
}  // namespace warden::test_support

// What run() writes to a child's stdin, and what it reports of that.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/large_text.h"
#include "test/support/run_helpers.h"
#include "test/support/temporary_directory.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using Kind = StdinError::Kind;

class RunStdin : public ::testing::Test {
 protected:
  std::string path() const { return directory_.path("input"); }
  RunOptions from_file() const {
    RunOptions options;
    options.stdin_file = path();
    options.capture.limit = CaptureOptions::kUnbounded;
    return options;
  }
  void write_file(const std::string& text) const { std::ofstream(path()) << text; }
  void make_fifo() const { ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0); }

 private:
  const TemporaryDirectory directory_;
};

// The child writes while run() feeds it, and neither blocks the other.
TEST_F(RunStdin, IsTheWholeTextHoweverMuchTheChildAnswersMeanwhile) {
  RunOptions options = feeding(large_text());
  options.capture.limit = CaptureOptions::kUnbounded;
  const RunResult result = run(Command("cat"), options).value();
  EXPECT_TRUE(result.status.success());
  EXPECT_TRUE(result.stdout_output.text() == large_text());
  EXPECT_EQ(result.stdin_report->written, kLargeText);
  EXPECT_TRUE(result.stdin_report->complete());
}

TEST_F(RunStdin, IsTheWholeFile) {
  write_file(large_text());
  const RunResult result = run(Command("cat"), from_file()).value();
  EXPECT_TRUE(result.stdout_output.text() == large_text());
  EXPECT_EQ(result.stdin_report->written, kLargeText);
  EXPECT_TRUE(result.stdin_report->complete());
}

TEST_F(RunStdin, IsAtItsEndAtOnceWhereThereIsNothing) {
  write_file("");
  for (const RunOptions& options : {feeding(""), from_file()}) {
    const RunResult result = run(Command("cat"), options).value();
    EXPECT_TRUE(result.status.success());
    EXPECT_TRUE(result.stdin_report->complete());
    EXPECT_EQ(result.stdin_report->written, 0u);
  }
}

TEST_F(RunStdin, KeepsEveryByte) {
  const std::string text("a\0\n\377b", 5);
  EXPECT_EQ(run(Command("cat"), feeding(text)).value().stdout_output.text(), text);
}

TEST_F(RunStdin, NeedNotBeReadToItsEnd) {
  write_file(large_text());
  for (RunOptions options : {feeding(large_text()), from_file()}) {
    const auto result =
        require_success(run(test_command({"read-some", "100000", "close-stdin", "exit", "0"}), options));
    ASSERT_TRUE(result.has_value()) << result.error();
    const StdinReport& report = *result.value().stdin_report;
    EXPECT_FALSE(report.complete());
    EXPECT_FALSE(report.read_error);
    EXPECT_TRUE(report.stopped->kind == Kind::kNoReader || report.stopped->kind == Kind::kChildEnded);
    EXPECT_GE(report.written, 100'000u);
    EXPECT_LT(report.written, kLargeText);
    EXPECT_EQ(report.stopped->written, report.written);
  }
}

TEST_F(RunStdin, NeedNotBeReadAtAll) {
  const RunOptions options = feeding(large_text());
  for (int round = 0; round < 20; ++round) {
    const RunResult result = run(test_command({"exit", "7"}), options).value();
    EXPECT_EQ(result.status, ExitStatus::exited(7));
    const Kind kind = result.stdin_report->stopped->kind;
    EXPECT_TRUE(kind == Kind::kNoReader || kind == Kind::kChildEnded) << kind;
    EXPECT_EQ(result.stdin_report->stopped->code, std::errc::broken_pipe);
  }
}

// A child that reads all bytes but not the end of file has not stopped the feeding.
TEST_F(RunStdin, IsCompleteThoughItsEndWasNotRead) {
  write_file("abc");
  for (const RunOptions& options : {feeding("abc"), from_file()}) {
    for (int round = 0; round < 20; ++round) {
      const RunResult result = run(test_command({"read-some", "3", "exit", "0"}), options).value();
      EXPECT_TRUE(result.stdin_report->complete()) << *result.stdin_report->stopped;
      EXPECT_EQ(result.stdin_report->written, 3u);
    }
  }
}

TEST_F(RunStdin, OfAChildThatNeverReadsDoesNotProlongItsTime) {
  RunOptions options = feeding(large_text());
  options.timeout = absl::Milliseconds(20);
  const RunResult result = run(test_command({"sleep"}), options).value();
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.status.signal(), Signal::terminate());
  EXPECT_FALSE(result.stdin_report->complete());
  EXPECT_LT(result.stdin_report->written, kLargeText);
}

// The child's exit ends the feeding although a descendant holds the pipe and reads nothing.
TEST_F(RunStdin, ThatADescendantHoldsDoesNotHoldTheRun) {
  AckPipe ack;
  RunOptions options = feeding(large_text());
  options.drain_timeout = absl::ZeroDuration();
  const RunResult result = run(test_command(ack, {"fork", "hold-open", "--", "exit", "4"}), options).value();
  const Pidfd holder(wait_forked(ack, {"child holding"}));
  EXPECT_EQ(result.status, ExitStatus::exited(4));
  EXPECT_EQ(result.stdin_report->stopped->kind, Kind::kChildEnded);
  EXPECT_TRUE(holder.send(SIGKILL));
  EXPECT_TRUE(holder.wait_dead());
}

// The input never ends. Only the pipe's end of file ends this child, which ignores the signal.
TEST_F(RunStdin, IsClosedByTheTermination) {
  make_fifo();
  const int silent = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
  RunOptions options = from_file();
  options.policy = TerminationPolicy::service(absl::InfiniteDuration());
  const RunResult result = run_until(test_command({"ignore", "TERM", "write", "ready", "read", "exit", "5"}), options,
                                     [](const RunResult& r) { return r.stdout_output.text() == "ready"; });
  ::close(silent);
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.status, ExitStatus::exited(5));
  EXPECT_FALSE(result.stdin_report->complete());
}

TEST_F(RunStdin, ComesFromAFifoOnceSomebodyWritesToIt) {
  make_fifo();
  std::thread writer([this] { std::ofstream(path()) << "late"; });
  const RunResult result = run(Command("cat"), from_file()).value();
  writer.join();
  EXPECT_EQ(result.stdout_output.text(), "late");
  EXPECT_TRUE(result.stdin_report->complete());
}

TEST_F(RunStdin, FromAFifoThatNobodyWritesToDoesNotHoldTheRun) {
  make_fifo();
  EXPECT_EQ(run(test_command({"exit", "6"}), from_file()).value().status, ExitStatus::exited(6));
  RunOptions options = from_file();
  options.timeout = absl::Milliseconds(20);
  EXPECT_TRUE(run(Command("cat"), options).value().timed_out());
  const int silent = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_TRUE(run(Command("cat"), options).value().timed_out());
  ::close(silent);
}

// Holds every read of a file until this object is destroyed (fanotify(7), FAN_ACCESS_PERM).
class HeldReads {
 public:
  explicit HeldReads(const std::string& path) : fd_(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY)) {
    holds_ = fd_ >= 0 && ::fanotify_mark(fd_, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, path.c_str()) == 0;
  }
  ~HeldReads() { ::close(fd_); }
  HeldReads(const HeldReads&) = delete;
  HeldReads& operator=(const HeldReads&) = delete;
  bool holds() const { return holds_; }
  // Waits until a read has begun.
  bool wait_for_one() const {
    pollfd poll = {fd_, POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(absl::ToInt64Milliseconds(kBound))) == 1;
  }

 private:
  int fd_;
  bool holds_ = false;
};

// The read blocks, as on a network file system whose server is gone.
TEST_F(RunStdin, FromAFileWhoseReadDoesNotReturnIsGivenUpAndDoesNotPassTheCheck) {
  write_file("never read");
  const HeldReads held(path());
  if (!held.holds()) GTEST_SKIP() << "this process may not hold reads by fanotify";
  AckPipe begun;
  std::thread reading([&] {
    EXPECT_TRUE(held.wait_for_one());
    begun.close_write();
  });
  const Command child = shell("read line <&9; exit 0").inherit_fd(begun.read_fd(), 9);
  const RunResult result = run(child, from_file()).value();
  reading.join();
  EXPECT_TRUE(result.status.success());
  EXPECT_EQ(result.stdin_report->read_error, std::errc::timed_out);
  EXPECT_EQ(result.stdin_report->written, 0u);
  EXPECT_FALSE(result.stdin_report->complete());
  EXPECT_EQ(require_success(result).error().code, std::errc::timed_out);
}

// /proc/self/mem opens as any file, and cannot be read at its beginning.
TEST_F(RunStdin, ThatCannotBeReadToItsEndIsReportedAndDoesNotPassTheCheck) {
  RunOptions options;
  options.stdin_file = "/proc/self/mem";
  const RunResult result = run(Command("cat"), options).value();
  EXPECT_TRUE(result.status.success());
  EXPECT_EQ(result.stdin_report->read_error, std::errc::io_error);
  EXPECT_FALSE(result.stdin_report->complete());
  const RunError error = require_success(result).error();
  EXPECT_EQ(error.step, RunError::Step::kRequireSuccess);
  EXPECT_EQ(error.code, std::errc::io_error);
  EXPECT_EQ(error.to_string(), "process 'cat' got only a part of its input: Input/output error.");
  EXPECT_EQ(error.status, ExitStatus::exited(0));
}

}  // namespace
}  // namespace warden::test_support

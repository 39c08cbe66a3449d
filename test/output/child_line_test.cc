// Output line by line: one callback for each line.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/output_helpers.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;

// The script runs its first part, and its second part once it has read a line.
Command two_parts(const std::string& first, const std::string& second) {
  return captured_shell(first + "; read line; " + second).stdin_from(Stdio::pipe());
}

Child spawn(const Command& command) { return Child::spawn(command).value(); }

TEST(LineCallback, IsCalledForEachLineAsItCameAndForALastOneWithoutANewline) {
  LineBox out, error;
  Child child = spawn(two_parts("true", "printf 'a\\nb\\r\\n\\n\\000\\377\\ntail'; printf 'err' >&2"));
  ASSERT_TRUE(child.on_line(kStdout, out.callback()).has_value());
  ASSERT_TRUE(child.on_line(kStderr, error.callback()).has_value());
  send_line(child);
  finished_output(child);
  EXPECT_THAT(out.lines(), ElementsAre("a", "b\r", "", std::string("\0\xff", 2), "tail"));
  EXPECT_THAT(error.lines(), ElementsAre("err"));
}

TEST(LineCallback, ThatComesLateGetsTheLinesThatAreKeptFirst) {
  LineBox box;
  Child child = spawn(two_parts("echo one; echo two; printf thr", "echo ee; echo four"));
  ASSERT_TRUE(child.wait_for_line(kStdout, "two", kBound).value().matched());
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  EXPECT_THAT(box.wait_for(2), ElementsAre("one", "two"));
  send_line(child);
  finished_output(child);
  EXPECT_THAT(box.lines(), ElementsAre("one", "two", "three", "four"));
}

TEST(LineCallback, ThatComesAfterTheEndGetsEveryLine) {
  LineBox box;
  Child child = spawn(captured_shell("echo one; printf two"));
  finished_output(child);
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  EXPECT_THAT(box.wait_for(2), ElementsAre("one", "two"));
}

TEST(LineCallback, MissesNoLineAndGetsNoneTwiceWheneverItComes) {
  constexpr std::size_t kLines = 100'000;
  std::vector<std::unique_ptr<LineBox>> boxes;
  Child child = spawn(captured_shell("seq " + std::to_string(kLines)));
  for (std::uint64_t seen = 0; seen < 500'000;) {  // while the child writes
    boxes.push_back(std::make_unique<LineBox>());
    ASSERT_TRUE(child.on_line(kStdout, boxes.back()->callback()).has_value());
    boxes.back()->wait_for(1);
    seen = child.output(kStdout).value().total_bytes();
  }
  finished_output(child);
  for (const auto& box : boxes) {
    const std::vector<std::string> lines = box->lines();
    ASSERT_EQ(lines.size(), kLines);
    for (std::size_t i = 0; i < kLines; ++i) ASSERT_EQ(lines[i], std::to_string(i + 1));
  }
}

TEST(LineCallback, GetsEveryLineThoughLittleIsKept) {
  LineBox first, last;
  Child child = spawn(two_parts("true", "seq 1 100000; seq 1 100000 >&2")
                          .stdout_to(Stdio::capture(keep_first(10)))
                          .stderr_to(Stdio::capture(keep_last(10))));
  ASSERT_TRUE(child.on_line(kStdout, first.callback()).has_value());
  ASSERT_TRUE(child.on_line(kStderr, last.callback()).has_value());
  send_line(child);
  finished_output(child);
  EXPECT_EQ(first.lines().size(), 100'000u);
  EXPECT_EQ(first.lines(), last.lines());
  EXPECT_EQ(last.lines().back(), "100000");
}

TEST(LineCallback, ThatComesLateGetsNoPartOfALineWhoseBeginningIsLost) {
  LineBox box;
  Child child =
      spawn(two_parts("printf 'aaaa\\nbbbb\\ncccc\\n'", "echo dddd").stdout_to(Stdio::capture(keep_last(12))));
  ASSERT_TRUE(child.wait_for_line(kStdout, "cccc", kBound).value().matched());
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  box.wait_for(2);
  send_line(child);
  finished_output(child);
  EXPECT_THAT(box.lines(), ElementsAre("bbbb", "cccc", "dddd"));
}

TEST(LineCallback, ThatComesLateGetsALineWhoseEndIsLostMarkedAndTheNextWholeOne) {
  LineBox box;
  Child child = spawn(
      two_parts("printf 'aaaa\\nbbbb\\ncccc\\ndd'", "echo dd; echo eeee").stdout_to(Stdio::capture(keep_first(7))));
  while (child.output(kStdout).value().total_bytes() < 17) ::sched_yield();
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  EXPECT_THAT(box.wait_for(2), ElementsAre("aaaa", "bb..."));
  send_line(child);
  finished_output(child);
  EXPECT_EQ(box.lines().back(), "eeee");
  EXPECT_EQ(child.output(kStdout).value().text(), "aaaa\nbb");
}

TEST(LineCallback, ThatComesLateGetsALineOfWhichOnlyTheNewlineIsLostAsWhole) {
  for (const std::uint64_t limit : {9u, 10u}) {  // without the second newline, and with it
    LineBox box;
    Child child =
        spawn(two_parts("printf 'aaaa\\nbbbb\\ncccc\\n'", "echo dddd").stdout_to(Stdio::capture(keep_first(limit))));
    ASSERT_TRUE(child.wait_for_line(kStdout, "bbbb", kBound).value().matched());
    while (child.output(kStdout).value().total_bytes() < 15) ::sched_yield();
    const LineWait whole = child.wait_for_line(kStdout, "bbbb", absl::ZeroDuration()).value();
    EXPECT_TRUE(whole.matched());
    EXPECT_FALSE(whole.truncated);
    ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
    EXPECT_THAT(box.wait_for(2), ElementsAre("aaaa", "bbbb"));
    send_line(child);
    finished_output(child);
    EXPECT_THAT(box.lines(), ElementsAre("aaaa", "bbbb", "dddd"));
  }
}

// A child that has ended and left its last words without a newline, and a process that holds its stdout.
class LastWords : public ::testing::Test {
 protected:
  LastWords()
      : child_(spawn(test_command(ack_, {"fork", "hold-open", "--", "write", "first\nlast words", "exit", "3"})
                         .stdout_to(Stdio::capture()))),
        pid_(wait_forked(ack_, {"child holding"})),
        holder_(pid_) {}
  ~LastWords() override {
    EXPECT_TRUE(holder_.send(SIGKILL));
    EXPECT_TRUE(holder_.wait_dead());
  }

  void drain() {
    EXPECT_EQ(child_.wait().value(), ExitStatus::exited(3));
    EXPECT_FALSE(child_.drain_output(absl::ZeroDuration()).value().complete());
  }

  AckPipe ack_;
  LineBox box_;
  Child child_;
  const int pid_;
  const Pidfd holder_;
};

TEST_F(LastWords, ComeWhenTheDrainGivesUpAndWhatFollowsThemIsALineOfItsOwn) {
  ASSERT_TRUE(child_.on_line(kStdout, box_.callback()).has_value());
  for (int i = 0; i < 2; ++i) {
    drain();
    EXPECT_THAT(box_.lines(), ElementsAre("first", "last words?"));
  }
  write_to_stdout_of(pid_, " and more\nnext");
  EXPECT_THAT(box_.wait_for(3), ElementsAre("first", "last words?", " and more"));
  drain();
  EXPECT_THAT(box_.lines(), ElementsAre("first", "last words?", " and more", "next?"));
}

TEST_F(LastWords, ComeFromALaterDrainToACallbackThatComesLate) {
  drain();
  ASSERT_TRUE(child_.on_line(kStdout, box_.callback()).has_value());
  EXPECT_THAT(box_.wait_for(1), ElementsAre("first"));
  drain();
  EXPECT_THAT(box_.lines(), ElementsAre("first", "last words?"));
}

TEST_F(LastWords, AreLookedAtByAWaitWhichLeavesThemWhole) {
  ASSERT_TRUE(child_.on_line(kStdout, box_.callback()).has_value());
  for (int i = 0; i < 2; ++i) {
    const LineWait wait = child_.wait_for_line(kStdout, "words", absl::InfiniteDuration()).value();
    EXPECT_TRUE(wait.matched()) << wait;
    EXPECT_EQ(wait.line, "last words");
    EXPECT_TRUE(wait.unfinished);
    EXPECT_EQ(child_.wait_for_text(kStdout, "words", absl::InfiniteDuration()).value().line, "last words");
  }
  EXPECT_EQ(child_.wait_for_text(kStdout, "never", absl::InfiniteDuration()).value().kind,
            LineWait::Kind::kChildExited);
  EXPECT_EQ(child_.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value().kind,
            LineWait::Kind::kChildExited);
  EXPECT_EQ(child_.wait().value(), ExitStatus::exited(3));
  write_to_stdout_of(pid_, " and more\n");
  EXPECT_THAT(box_.wait_for(2), ElementsAre("first", "last words and more"));
}

TEST_F(LastWords, AreShownOnceToAPredicateThatSeesThemGrow) {
  drain();
  std::vector<std::string> seen;
  const auto look = [&seen](const Line& line) {
    seen.push_back(std::string(line.text) + (line.unfinished ? "?" : ""));
    return false;
  };
  EXPECT_EQ(child_.wait_for_text(kStdout, look, absl::InfiniteDuration()).value().kind, LineWait::Kind::kChildExited);
  EXPECT_THAT(seen, ElementsAre("first", "last words?"));
}

TEST(LineCallback, GetsNoUnfinishedLineFromTheDrainOfARunningChild) {
  LineBox box;
  Child child = spawn(two_parts("printf one", "echo ' line'"));
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  while (child.output(kStdout).value().total_bytes() < 3) ::sched_yield();
  EXPECT_FALSE(child.drain_output(absl::ZeroDuration()).value().complete());
  EXPECT_THAT(box.lines(), ElementsAre());
  send_line(child);
  finished_output(child);
  EXPECT_THAT(box.lines(), ElementsAre("one line"));
}

TEST(LineCallback, GetsTheBeginningOfALineThatIsTooLong) {
  CaptureOptions options;
  options.max_line_length = 5;
  LineBox box, by_default;
  Command command = captured_shell("echo 12345; echo 1234567; echo x; head -c 20000 /dev/zero >&2");
  Child child = spawn(command.stdout_to(Stdio::capture(options)));
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  ASSERT_TRUE(child.on_line(kStderr, by_default.callback()).has_value());
  finished_output(child);
  EXPECT_THAT(box.wait_for(3), ElementsAre("12345", "12345...", "x"));
  EXPECT_THAT(by_default.wait_for(1), ElementsAre(std::string(16 * 1024, '\0') + "..."));
}

TEST(LineCallback, RunsOnOneThreadOfItsOwnThatTakesNoSignalsAndHasAStackAsAnyOther) {
  LineBox out, error;
  std::size_t stack = 0, usual = 1;
  sigset_t blocked;
  Child child = spawn(captured_shell("echo out; echo err >&2"));
  ASSERT_TRUE(child.on_line(kStdout, out.callback()).has_value());
  ASSERT_TRUE(child.on_line(kStderr, error.callback()).has_value());
  ASSERT_TRUE(child
                  .on_line(kStdout,
                           [&](const Line&) {
                             pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
                             pthread_attr_t attributes;
                             pthread_getattr_np(pthread_self(), &attributes);
                             pthread_attr_getstacksize(&attributes, &stack);
                             pthread_attr_destroy(&attributes);
                           })
                  .has_value());
  finished_output(child);
  EXPECT_EQ(out.thread(), error.thread());
  EXPECT_NE(out.thread(), std::this_thread::get_id());
  for (const int signal : {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGRTMAX}) {
    EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
  }
  pthread_attr_t attributes;
  pthread_getattr_default_np(&attributes);
  pthread_attr_getstacksize(&attributes, &usual);
  pthread_attr_destroy(&attributes);
  EXPECT_GE(stack, usual);
}

TEST(LineCallback, ThatThrowsIsReportedAndGetsTheNextLineAllTheSame) {
  const CapturedLog log;
  LineBox box;
  Child child = spawn(two_parts("true", "echo a; echo b; echo c").name("talker"));
  ASSERT_TRUE(child
                  .on_line(kStdout,
                           [](const Line& line) {
                             if (line.text == "a") throw std::runtime_error("no a");
                             if (line.text == "b") throw 5;
                           })
                  .has_value());
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  send_line(child);
  finished_output(child);
  EXPECT_THAT(box.lines(), ElementsAre("a", "b", "c"));
  ASSERT_EQ(log.records().size(), 2u);
  EXPECT_EQ(log.records()[0].severity, LogSeverity::kError);
  EXPECT_EQ(log.records()[0].name, "talker");
  EXPECT_EQ(log.records()[0].event, "a callback for a line of stdout threw an exception");
  EXPECT_EQ(log.records()[0].error, "no a");
  EXPECT_EQ(log.records()[1].error, "not a std::exception");
}

// Whether the process blocks in write(2), as far as /proc shows it.
bool is_writing(int pid) {
  std::string call;
  if (!std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/syscall"), call)) return true;
  return call.rfind(std::to_string(SYS_write) + " ", 0) == 0;
}

TEST(LineCallback, ThatIsSlowHoldsTheChildBack) {
  Gate called, go_on;
  std::size_t count = 0;
  Child child = spawn(captured_shell("read go; exec seq 1000000").stdin_from(Stdio::pipe()));
  ASSERT_TRUE(child
                  .on_line(kStdout,
                           [&](const Line&) {
                             if (++count > 1) return;
                             called.open();
                             go_on.wait();
                           })
                  .has_value());
  ASSERT_TRUE(child.write_stdin("go\n", kBound).has_value());  // not before there is a callback to hold it back
  called.wait();
  while (!is_writing(child.pid()) && child.state().kind == ProcessState::Kind::kRunning) ::sched_yield();
  EXPECT_EQ(child.try_wait().value(), std::nullopt) << "it has more to write than the pipe holds";
  EXPECT_LT(child.output(kStdout).value().total_bytes(), 2'000'000u);
  go_on.open();
  finished_output(child);
  EXPECT_EQ(count, 1'000'000u);
}

// Each of the two waits 3 s for the callback.
TEST(LineCallback, ThatDoesNotReturnHoldsNoWaitBeyondItsBound) {
  Gate called, go_on;
  Child child = spawn(captured_shell("echo first; read line; echo second").stdin_from(Stdio::pipe()));
  const auto stay = [&](const Line&) {
    called.open();
    go_on.wait();
  };
  ASSERT_TRUE(child.on_line(kStdout, stay).has_value());
  called.wait();
  std::thread waiting([&] {
    const LineWait end = child.wait_for_line(kStdout, "first", absl::ZeroDuration()).value();
    EXPECT_EQ(end.kind, LineWait::Kind::kTimedOut);
  });
  const DrainResult drained = child.drain_output(absl::ZeroDuration()).value();
  EXPECT_FALSE(drained.complete());
  waiting.join();
  go_on.open();
  EXPECT_TRUE(child.wait_for_line(kStdout, "first", absl::ZeroDuration()).value().matched());
  send_line(child);
  EXPECT_EQ(finished_output(child).text(), "first\nsecond\n");
}

TEST(LineCallback, ThatIsNoFunctionIsRefused) {
  Child child = spawn(captured_shell("exit 0"));
  const OutputError error = child.on_line(kStdout, nullptr).error();
  EXPECT_EQ(error.code, std::make_error_code(std::errc::invalid_argument));
  EXPECT_EQ(error.invalid_argument->field, "callback");
  finished_output(child);
}

}  // namespace
}  // namespace warden::test_support

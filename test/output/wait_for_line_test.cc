// wait_for_line: which lines it sees, and how it ends.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/unique_fd.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/output_helpers.h"
#include "test/support/process_snapshot.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;
constexpr absl::Duration kNow = absl::ZeroDuration();

Child spawn(const Command& command) { return Child::spawn(command).value(); }

// Runs the script, and the next one each time it reads a line, and then lives on.
Child spawn_in_steps(const std::vector<std::string>& steps) {
  std::string script;
  for (const std::string& step : steps) script += step + "; read line; ";
  return spawn(captured_shell(script + "exec sleep 600").stdin_from(Stdio::pipe()));
}

TEST(WaitForLine, IsOverAtOnceForALineThatWasWrittenBefore) {
  Child child = spawn_in_steps({"echo first; echo second line; echo third"});
  ASSERT_TRUE(child.wait_for_line(kStdout, "third", kBound).value().matched());
  const LineWait wait = child.wait_for_line(kStdout, "second", kNow).value();
  EXPECT_EQ(wait.kind, LineWait::Kind::kMatched);
  EXPECT_EQ(wait.line, "second line");
  EXPECT_FALSE(wait.truncated);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, IsOverWhenTheLineComes) {
  Child child = spawn_in_steps({"echo one", "echo two; echo two too"});
  EXPECT_EQ(child.wait_for_line(kStdout, "two", kNow).value().kind, LineWait::Kind::kTimedOut);
  std::thread sender([&child] { send_line(child); });
  const LineWait wait = child.wait_for_line(kStdout, "two", absl::InfiniteDuration()).value();
  sender.join();
  EXPECT_EQ(wait.line, "two") << "the first that fits";
  EXPECT_TRUE(child.kill().has_value());
}

// The pump may not have read the line yet.
TEST(WaitForLine, SeesAllThatWasWrittenBeforeTheCallEvenWithoutTime) {
  for (int i = 0; i < 20; ++i) {
    AckPipe ack;
    Command command = test_command(ack, {"write", "text\n", "sleep"});
    Child child = spawn(command.stdout_to(Stdio::capture()));
    ASSERT_EQ(ack.wait_line(), "ready");
    EXPECT_TRUE(child.wait_for_line(kStdout, "text", kNow).value().matched());
    EXPECT_TRUE(child.kill().has_value());
  }
}

TEST(WaitForLine, TakesAPredicateAndGivesItEachLineOnce) {
  Child child = spawn_in_steps({"echo a; echo b; echo c; echo d"});
  std::vector<std::string> seen;
  const LineWait wait = child
                            .wait_for_line(
                                kStdout,
                                [&seen](const Line& line) {
                                  seen.emplace_back(line.text);
                                  return line.text == "c";
                                },
                                kBound)
                            .value();
  EXPECT_EQ(wait.line, "c");
  EXPECT_THAT(seen, ::testing::ElementsAre("a", "b", "c"));
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, LooksAtOneStreamOnly) {
  Child child = spawn_in_steps({"echo out; echo err >&2"});
  EXPECT_TRUE(child.wait_for_line(kStderr, "err", kBound).value().matched());
  EXPECT_FALSE(child.wait_for_line(kStderr, "out", kNow).value().matched());
  EXPECT_FALSE(child.wait_for_line(kStdout, "err", kNow).value().matched());
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, SaysThatItsTimeIsOver) {
  Child child = spawn_in_steps({"echo one"});
  const LineWait wait = child.wait_for_line(kStdout, "never", absl::Milliseconds(20)).value();
  EXPECT_EQ(wait.kind, LineWait::Kind::kTimedOut);
  EXPECT_EQ(wait.line, "");
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, EndsWhenTheChildDoes) {
  Child child = spawn(captured_shell("echo one; exit 3"));
  EXPECT_EQ(child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value().kind,
            LineWait::Kind::kStreamClosed);
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
  EXPECT_EQ(child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value().kind,
            LineWait::Kind::kStreamClosed);
  EXPECT_TRUE(child.wait_for_line(kStdout, "one", kNow).value().matched());
}

// Puts descriptors of the host's that cannot be read in place of the library's end of each captured stream; returns
// them.
std::vector<internal::UniqueFd> spoil_streams(const std::map<int, std::string>& before) {
  std::vector<internal::UniqueFd> spoiled;
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (const auto& [fd, file] : ProcessSnapshot::take().descriptors) {
    if (before.count(fd) == 0 && file.rfind("pipe:", 0) == 0) {
      EXPECT_EQ(::dup3(null, fd, O_CLOEXEC), fd);
      spoiled.emplace_back(fd);
    }
  }
  ::close(null);
  return spoiled;
}

TEST(WaitForLine, SaysThatTheStreamCannotBeReadAndWhy) {
  const auto before = ProcessSnapshot::take().descriptors;
  Child child = spawn(captured_shell("echo one; exec sleep 600").stderr_to(Stdio::merge()));
  ASSERT_TRUE(child.wait_for_line(kStdout, "one", kBound).value().matched());
  const auto spoiled = spoil_streams(before);
  for (int i = 0; i < 2; ++i) {
    const LineWait wait = child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value();
    EXPECT_EQ(wait.kind, LineWait::Kind::kReadFailed);
    EXPECT_EQ(wait.read_error, std::errc::bad_file_descriptor);
    EXPECT_EQ(::testing::PrintToString(wait), "read_failed: Bad file descriptor");
  }
  EXPECT_TRUE(child.wait_for_line(kStdout, "one", kNow).value().matched());
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, EndsWhenTheChildClosesTheStream) {
  Child child = spawn_in_steps({"echo one; exec >&-"});
  EXPECT_EQ(child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value().kind,
            LineWait::Kind::kStreamClosed);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, MatchesALastLineWithoutANewlineWhenTheStreamEnds) {
  Child child = spawn(captured_shell("echo one; printf ready"));
  EXPECT_EQ(child.wait_for_line(kStdout, "ready", kBound).value().line, "ready");
  EXPECT_TRUE(child.wait().value().success());
}

// A process that holds the stream never ends it.
TEST(WaitForLine, EndsWhenTheChildDoesThoughItsStreamIsHeld) {
  AckPipe ack;
  Child child = spawn(test_command(ack, {"fork", "hold-open", "--", "write", "last\n"}).stdout_to(Stdio::capture()));
  const Pidfd holder(wait_forked(ack, {"child holding"}));
  EXPECT_EQ(child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value().kind, LineWait::Kind::kChildExited);
  EXPECT_TRUE(child.wait_for_line(kStdout, "last", kNow).value().matched());
  EXPECT_EQ(child.wait_for_line(kStdout, "never", kBound).value().kind, LineWait::Kind::kChildExited);
  EXPECT_TRUE(child.wait().value().success());
  EXPECT_FALSE(holder.is_dead());
  EXPECT_TRUE(holder.send(SIGKILL));
  EXPECT_TRUE(holder.wait_dead());
}

TEST(WaitForLine, LooksAtTheLastWordsOfAChildWhoseStreamIsHeldFirst) {
  for (int i = 0; i < 20; ++i) {
    AckPipe ack;
    Child child = spawn(test_command(ack, {"fork", "hold-open", "--", "write", "last\n"}).stdout_to(Stdio::capture()));
    const Pidfd holder(wait_forked(ack, {}));
    EXPECT_TRUE(child.wait_for_line(kStdout, "last", absl::InfiniteDuration()).value().matched());
    EXPECT_TRUE(child.wait().value().success());
    EXPECT_TRUE(holder.send(SIGKILL));
    EXPECT_TRUE(holder.wait_dead());
  }
}

// The stream is never empty.
TEST(WaitForLine, EndsWhenTheChildDoesThoughSomebodyElseWritesForEver) {
  Child child = spawn(captured_shell("yes & echo $! >&2; exit 0").stdout_to(Stdio::capture(keep_first(0))));
  const Pidfd writer(std::stoi(child.wait_for_line(kStderr, "", kBound).value().line));
  EXPECT_EQ(child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value().kind, LineWait::Kind::kChildExited);
  EXPECT_TRUE(child.wait().value().success());
  EXPECT_TRUE(writer.send(SIGKILL));
  EXPECT_TRUE(writer.wait_dead());
}

TEST(WaitForLine, SeesLinesThatAreNotKept) {
  Command command = captured_shell("echo go; read line; seq 1 100000");
  Child child = spawn(command.stdin_from(Stdio::pipe()).stdout_to(Stdio::capture(keep_first(3))));
  const auto is_it = [&child](const Line& line) {
    if (line.text == "go") send_line(child);  // only after the wait has begun
    return line.text == "77777";
  };
  EXPECT_EQ(child.wait_for_line(kStdout, is_it, kBound).value().line, "77777");
  EXPECT_EQ(finished_output(child).text(), "go\n");
}

TEST(WaitForLine, SaysThatALineIsNotWhole) {
  CaptureOptions options;
  options.max_line_length = 4;
  Child child = spawn(captured_shell("echo 123456").stdout_to(Stdio::capture(options)));
  const LineWait wait = child.wait_for_line(kStdout, "23", kBound).value();
  EXPECT_EQ(wait.line, "1234");
  EXPECT_TRUE(wait.truncated);
  finished_output(child);
}

TEST(WaitForLine, PassesOnWhatItsPredicateThrows) {
  const CapturedLog log;
  LineBox box;
  Child child = spawn_in_steps({"echo one; echo two"});
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  const auto thrower = [](const Line&) -> bool { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(child.wait_for_line(kStdout, thrower, kBound)), std::runtime_error);
  EXPECT_THAT(box.wait_for(2), ::testing::ElementsAre("one", "two"));
  EXPECT_TRUE(child.wait_for_line(kStdout, "two", kNow).value().matched());
  EXPECT_TRUE(log.records().empty());
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForText, FindsAPromptThatWasWrittenBeforeOrComes) {
  Child child = spawn_in_steps({"printf 'login: '", "printf 'bob\nPassword: '"});
  const LineWait login = child.wait_for_text(kStdout, "login:", absl::InfiniteDuration()).value();
  EXPECT_EQ(login.line, "login: ");
  EXPECT_TRUE(login.unfinished);
  EXPECT_TRUE(child.wait_for_text(kStdout, "login:", kNow).value().matched());
  EXPECT_EQ(child.wait_for_line(kStdout, "login:", kNow).value().kind, LineWait::Kind::kTimedOut);
  EXPECT_EQ(child.wait_for_text(kStdout, "Password:", kNow).value().kind, LineWait::Kind::kTimedOut);
  std::thread sender([&child] { send_line(child); });
  const LineWait password = child.wait_for_text(kStdout, "Password:", absl::InfiniteDuration()).value();
  sender.join();
  EXPECT_EQ(password.line, "Password: ");
  const LineWait finished = child.wait_for_text(kStdout, "login:", kNow).value();
  EXPECT_EQ(finished.line, "login: bob");
  EXPECT_FALSE(finished.unfinished);
  EXPECT_TRUE(child.kill().has_value());
}

// The second part comes after the wait has seen the first.
TEST(WaitForText, FindsATextThatComesInParts) {
  Child child = spawn_in_steps({"printf 'rea'", "printf 'dy>'"});
  const auto is_there = [&child](const Line& line) {
    if (line.text == "rea") send_line(child);
    return line.text == "ready>";
  };
  EXPECT_EQ(child.wait_for_text(kStdout, is_there, absl::InfiniteDuration()).value().line, "ready>");
  EXPECT_EQ(child.wait_for_text(kStdout, "eady", kNow).value().line, "ready>");
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForText, ShowsItsPredicateALineAgainWhenItHasGrownAndWhenItIsFinished) {
  Child child = spawn_in_steps({"echo first; printf one", "printf ' two'", "echo; printf end"});
  std::vector<std::string> seen;
  const auto look = [&](const Line& line) {
    seen.push_back(std::string(line.text) + (line.unfinished ? "?" : ""));
    if (line.text.substr(0, 3) == "one" && line.unfinished) send_line(child);
    return line.text == "end";
  };
  while (child.output(kStdout).value().total_bytes() < 9) std::this_thread::yield();
  EXPECT_TRUE(child.wait_for_text(kStdout, look, absl::InfiniteDuration()).value().unfinished);
  EXPECT_THAT(seen, ::testing::ElementsAre("first", "one?", "one two?", "one two", "end?"));
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForText, EndsAsAWaitForALineDoes) {
  Child child = spawn(captured_shell("printf one"));
  EXPECT_EQ(child.wait_for_text(kStdout, "never", absl::InfiniteDuration()).value().kind,
            LineWait::Kind::kStreamClosed);
  const LineWait last = child.wait_for_text(kStdout, "one", kNow).value();
  EXPECT_EQ(last.line, "one");
  EXPECT_FALSE(last.unfinished) << "its stream has ended";
  EXPECT_TRUE(child.wait().value().success());
}

TEST(WaitForLine, MayBeCalledByAnyNumberOfThreads) {
  Child child = spawn_in_steps({"true", "seq 1 1000"});
  std::vector<std::thread> waiters;
  std::atomic<int> matched{0};
  for (int i = 1; i <= 16; ++i) {
    waiters.emplace_back([&child, &matched, text = std::to_string(60 * i)] {
      const auto is_it = [&text](const Line& line) { return line.text == text; };
      if (child.wait_for_line(kStdout, is_it, kBound).value().line == text) ++matched;
      EXPECT_EQ(child.wait_for_line(kStdout, "never", absl::Milliseconds(1)).value().kind, LineWait::Kind::kTimedOut);
    });
  }
  send_line(child);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(matched, 16);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitForLine, RefusesBadArguments) {
  Child child = spawn(captured_shell("exit 0"));
  const OutputError negative = child.wait_for_line(kStdout, "x", -absl::Nanoseconds(1)).error();
  EXPECT_EQ(negative.code, std::make_error_code(std::errc::invalid_argument));
  EXPECT_EQ(negative.invalid_argument->field, "timeout");
  EXPECT_EQ(child.wait_for_line(kStdout, LinePredicate(), kNow).error().invalid_argument->field, "predicate");
  EXPECT_EQ(child.wait_for_text(kStdout, "x", -kBound).error().invalid_argument->field, "timeout");
  EXPECT_EQ(child.wait_for_text(kStdout, LinePredicate(), kNow).error().invalid_argument->field, "predicate");
  EXPECT_EQ(child.drain_output(-kBound).error().invalid_argument->field, "timeout");
  finished_output(child);
}

}  // namespace
}  // namespace warden::test_support

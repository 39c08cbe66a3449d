// run(): what it returns for a child that ran to its end, and where the child's streams lead.
#include "warden/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/output_helpers.h"
#include "test/support/run_helpers.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

// A file of this test, removed at its end.
class TemporaryFile {
 public:
  TemporaryFile() : path_(::testing::TempDir() + "run_test_XXXXXX") { ::close(::mkstemp(path_.data())); }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

TEST(Run, ReturnsTheStatusAndBothOutputs) {
  const RunResult result = run(shell("echo out; echo err >&2; exit 3")).value();
  EXPECT_EQ(result.status, ExitStatus::exited(3));
  EXPECT_EQ(result.stdout_output.text(), "out\n");
  EXPECT_EQ(result.stderr_output.text(), "err\n");
  EXPECT_TRUE(result.stdout_output.complete());
  EXPECT_TRUE(result.stderr_output.complete());
  EXPECT_EQ(result.drain.streams.size(), 2u);
  EXPECT_TRUE(result.drain.complete());
  EXPECT_EQ(result.process_name, "sh");
  EXPECT_FALSE(result.timed_out());
  EXPECT_FALSE(result.stderr_is_merged);
  EXPECT_FALSE(result.stdin_report.has_value());
}

TEST(Run, ReturnsADeathBySignalAsSuch) {
  EXPECT_EQ(run(shell("kill -KILL $$")).value().status, ExitStatus::signaled(Signal::kill(), false));
}

// All lines of both streams are there, with every byte and a last line without a newline.
TEST(Run, KeepsEveryByte) {
  const RunResult result = run(shell(R"(printf 'a\0b\377c\nlast'; printf '\r\nerr' >&2)")).value();
  EXPECT_EQ(result.stdout_output.text(), std::string("a\0b\377c\nlast", 10));
  EXPECT_EQ(result.stderr_output.text(), "\r\nerr");
}

// A limit cuts one stream off, and the result says which.
TEST(Run, SaysWhichStreamWasCutOff) {
  RunOptions options;
  options.capture.limit = 3;
  const RunResult result = run(shell("printf abcdef; printf err >&2"), options).value();
  EXPECT_EQ(result.stdout_output.text(), "abc");
  EXPECT_TRUE(result.stdout_output.truncated());
  EXPECT_EQ(result.stdout_output.total_bytes(), 6u);
  EXPECT_EQ(result.stderr_output.text(), "err");
  EXPECT_FALSE(result.stderr_output.truncated());
  EXPECT_TRUE(result.drain.complete());
}

TEST(Run, IsNotHeldUpByAChildThatWritesMoreThanIsKeptToBothStreams) {
  RunOptions options;
  options.capture = keep_last(10);
  const RunResult result = run(shell("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero"), options).value();
  EXPECT_EQ(result.stdout_output.total_bytes(), 3'000'000u);
  EXPECT_EQ(result.stderr_output.total_bytes(), 3'000'000u);
}

TEST(RunStreams, AreWhatTheCommandSays) {
  const TemporaryFile input, output;
  std::ofstream(input.path()) << "from a file\n";
  Command command("cat");
  command.stdin_from(Stdio::file(input.path())).stdout_to(Stdio::file(output.path())).stderr_to(Stdio::null());
  const RunResult result = run(command).value();
  EXPECT_TRUE(result.status.success());
  EXPECT_EQ(output.text(), "from a file\n");
  EXPECT_TRUE(result.drain.streams.empty());
  EXPECT_EQ(result.stdout_output.size(), 0u);
}

TEST(RunStreams, KeepTheCapturesOfTheCommand) {
  RunOptions options;
  options.capture.limit = 1;
  const Command command = shell("printf abcdef; printf uvwxyz >&2").stdout_to(Stdio::capture(keep_last(2)));
  const RunResult result = run(command, options).value();
  EXPECT_EQ(result.stdout_output.text(), "ef");
  EXPECT_EQ(result.stderr_output.text(), "u") << "left unset";
}

TEST(RunStreams, AreInheritedOnlyWhereTheCommandSaysSo) {
  const TemporaryFile log;
  const int before = ::dup(STDERR_FILENO);
  ASSERT_NE(::freopen(log.path().c_str(), "w", stderr), nullptr);
  const RunResult result = run(shell("echo to the host >&2; echo out").stderr_to(Stdio::inherit())).value();
  ::fflush(stderr);
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  EXPECT_EQ(log.text(), "to the host\n");
  EXPECT_EQ(result.stderr_output.size(), 0u);
  EXPECT_EQ(result.stdout_output.text(), "out\n");
}

TEST(RunStreams, StderrIsMergedWhereTheCommandSaysSo) {
  const RunResult result = run(shell("echo 1; echo 2 >&2; echo 3").stderr_to(Stdio::merge())).value();
  EXPECT_TRUE(result.stderr_is_merged);
  EXPECT_EQ(result.stdout_output.text(), "1\n2\n3\n");
  EXPECT_EQ(result.stderr_output.size(), 0u);
  EXPECT_EQ(result.drain.streams.size(), 1u);
}

TEST(RunStreams, StdinIsNullUnlessTheCommandSaysOtherwise) {
  const std::string show = "readlink /proc/self/fd/0";
  EXPECT_EQ(run(shell(show)).value().stdout_output.text(), "/dev/null\n");
  const std::string of_host = run(shell(show).stdin_from(Stdio::inherit())).value().stdout_output.text();
  char link[4096] = {};
  ASSERT_GT(::readlink("/proc/self/fd/0", link, sizeof link - 1), 0);
  EXPECT_EQ(of_host, std::string(link) + "\n");
}

// The caller cannot write to the pipe, so a child that reads to its end would never end.
TEST(RunStreams, AStdinPipeOfTheCommandIsClosedAtOnce) {
  for (const bool keep_open : {false, true}) {
    Command command("cat");
    command.stdin_from(Stdio::pipe()).keep_stdin_open(keep_open);
    const RunResult result = run(command).value();
    EXPECT_TRUE(result.status.success());
    EXPECT_EQ(result.stdout_output.size(), 0u);
  }
}

TEST(Run, LeavesTheCommandAsItWas) {
  const Command command = shell("exit 0");
  EXPECT_TRUE(run(command).value().status.success());
  Child child = Child::spawn(command).value();
  EXPECT_EQ(child.stdin_fd(), -1);
  EXPECT_EQ(child.output(OutputStream::kStdout).error().code, Errc::kNotCaptured);
  EXPECT_EQ(child.output(OutputStream::kStderr).error().code, Errc::kNotCaptured);
  EXPECT_TRUE(child.wait().value().success());
}

TEST(Run, CanBeCalledByManyThreadsAtATime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([i] {
      for (int round = 0; round < 10; ++round) {
        const std::string text = std::to_string(i * 100 + round);
        EXPECT_EQ(run(Command("cat"), feeding(text)).value().stdout_output.text(), text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Run, OfAFailedSpawnHasTheSpawnsError) {
  const RunError error = error_of_run(Command("/no/such/program"));
  EXPECT_EQ(error.step, RunError::Step::kSpawn);
  EXPECT_EQ(error.process_name, "/no/such/program");
  EXPECT_EQ(make_error_code(error), std::errc::no_such_file_or_directory);
  ASSERT_TRUE(error.spawn_error.has_value());
  EXPECT_EQ(error.to_string(), error.spawn_error->to_string());
  EXPECT_THAT(error.to_string(), HasSubstr("/no/such/program"));
  EXPECT_FALSE(error.status.has_value());
}

}  // namespace
}  // namespace warden::test_support

// Programs that have to become ready: --ready-line and --ready-timeout.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kJson = "--report=json";

// The report is the last line of stderr.
boost::json::object last_report(const ToolResult& result) {
  const std::size_t newline = result.err.rfind('\n', result.err.size() - 2);
  return parse_report(newline == std::string::npos ? result.err : result.err.substr(newline + 1));
}

TEST(Readiness, IsFoundOnEitherStreamAndInsideALine) {
  for (const char* script : {"echo it is up now", "echo it is up now >&2", "printf 'it is up'"}) {
    const ToolResult result = run_tool(run_program({"--ready-line=is up", kJson}, {"sh", "-c", script}));
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(last_report(result).at("ready"), json("\"ready\"")) << script;
  }
}

// A program that waits for a word can read it from write_word() on.
class Fifo {
 public:
  Fifo() : path_(::testing::TempDir() + "/fifo") {
    ::unlink(path_.c_str());
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);  // does not wait for the other side to open it
  }
  ~Fifo() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;

  const std::string& path() const { return path_; }
  void write_word() { EXPECT_EQ(::write(fd_, "go\n", 3), 3); }

 private:
  std::string path_;
  int fd_;
};

// It is started first and ends after the timeout of another program, which has as much time and starts later.
TEST(Readiness, LetsTheProgramRunToItsOwnEnd) {
  ToolResult result;
  for (const char* time : {"--ready-timeout=500ms", "--ready-timeout=5s", "--ready-timeout=50s"}) {
    Fifo fifo;
    ToolProcess tool(
        run_program({"--ready-line=up", time, kJson}, {"sh", "-c", "echo up; read word <" + fifo.path() + "; exit 5"}));
    EXPECT_EQ(tool.out().wait_line(), "up");
    EXPECT_EQ(run_tool(run_child({"--ready-line=nothing", time, "--report=none"}, {"sleep"})).exit_code, 124);
    fifo.write_word();
    result = tool.wait();
    if (result.exit_code != 124) break;  // otherwise the busy machine delayed the line
  }
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(parse_report(result.err).at("ready"), json("\"ready\""));
  EXPECT_EQ(parse_report(result.err).at("attempts"), json("[]"));
}

// More than a pipe holds and than the tool reads at once.
TEST(Readiness, IsFoundHoweverLongItsTextIs) {
  const std::string text(100000, 'x');
  for (const auto& [input, ready] : {std::pair("y" + text, "\"ready\""), std::pair(text.substr(1), "\"ended\"")}) {
    ToolOptions options = run_program({"--ready-line=" + text, kJson}, {"cat"});
    options.input = input;
    EXPECT_EQ(last_report(run_tool(options)).at("ready"), json(ready));
  }
}

TEST(Readiness, LeavesTheRestOfTheTimeoutToTheProgram) {
  ToolResult result;
  for (const char* time : {"200ms", "2s", "20s"}) {
    result = run_tool(run_child({"--ready-line=ready", std::string("--ready-timeout=") + time,
                                 std::string("--timeout=") + (time == std::string("20s") ? "21s" : "2500ms"), kJson},
                                {"sleep"}));
    if (parse_report(result.err).at("ready") == json("\"ready\"")) break;
  }
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_EQ(parse_report(result.err).at("timed_out"), json("true"));
  EXPECT_EQ(parse_report(result.err).at("ready"), json("\"ready\""));
  EXPECT_GE(parse_report(result.err).at("elapsed_ms").as_int64(), 2500);
}

TEST(Readiness, ThatNeverComesEndsTheProgramAndItsGroup) {
  const ToolResult result =
      run_tool(run_child({"--ready-line=nothing", "--ready-timeout=1s", kJson}, {"fork", "sleep", "--", "sleep"}));
  EXPECT_EQ(result.exit_code, 124);
  const auto report = parse_report(result.err);
  EXPECT_EQ(report.at("ready"), json("\"timed_out\""));
  EXPECT_EQ(report.at("timed_out"), json("false"));
  EXPECT_EQ(report.at("ended_by"), json("\"interrupt\""));
  EXPECT_THAT(sent(report), ElementsAre("SIGINT group"));
  EXPECT_GE(report.at("elapsed_ms").as_int64(), 1000);
  EXPECT_THAT(live_members(static_cast<int>(report.at("pid").as_int64())), IsEmpty());
}

TEST(Readiness, ThatNeverComesIsReportedUnasked) {
  const ToolResult result =
      run_tool(run_child({"--ready-line=nothing", "--ready-timeout=100ms", "--tail=1"}, {"sleep"}));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(result.err, HasSubstr("never became ready; killed by SIGINT; ended by interrupt; after "));
  EXPECT_THAT(result.err, HasSubstr("SIGINT to group: ok"));
}

TEST(Readiness, IsNotWaitedForWhenTheTimeoutComesFirst) {
  const ToolResult result =
      run_tool(run_child({"--ready-line=nothing", "--ready-timeout=1h", "--timeout=100ms", kJson}, {"sleep"}));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_EQ(parse_report(result.err).at("timed_out"), json("true"));
  EXPECT_EQ(parse_report(result.err).at("ready"), json("\"ended\""));
}

TEST(Readiness, OfAProgramThatEndsFirstIsReportedUnaskedWithItsOwnCode) {
  const ToolResult result = run_tool(run_child({"--ready-line=nothing"}, {"exit", "4"}));
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("ended before it was ready; exited with code 4; after "));
  EXPECT_EQ(run_tool(run_child({"--ready-line=nothing", "--report=none"}, {"exit", "4"})).err, "");
}

TEST(Readiness, IsNotWaitedForOnceASignalHasCome) {
  ToolProcess tool(run_child({"--ready-line=nothing", "--ready-timeout=1h", kJson}, {"handle", "INT", "3"}));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(SIGINT);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 130);
  const auto report = parse_report(result.err);
  EXPECT_EQ(report.at("status").at("code"), json("3"));
  EXPECT_EQ(report.at("ready"), json("\"ended\""));
  EXPECT_THAT(sent(report), ElementsAre("SIGINT group"));
}

}  // namespace
}  // namespace warden::test_support

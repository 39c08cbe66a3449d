// Programs that have to become ready: --ready-line and --ready-timeout.
#include <signal.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::testing {
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

// The time for it is over long before the program ends.
TEST(Readiness, LetsTheProgramRunToItsOwnEnd) {
  ToolResult result;
  for (const char* seconds : {"0.2", "2", "20"}) {
    const std::string script = std::string("echo up; sleep ") + seconds + "; sleep 0.3; exit 5";
    result = run_tool(
        run_program({"--ready-line=up", std::string("--ready-timeout=") + seconds + "s", kJson}, {"sh", "-c", script}));
    if (result.exit_code != 124) break;  // else the machine was too busy for the line to come in time
  }
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(parse_report(result.err).at("ready"), json("\"ready\""));
  EXPECT_EQ(parse_report(result.err).at("attempts"), json("[]"));
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
}  // namespace warden::testing

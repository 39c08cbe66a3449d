// Signals to the tool.
#include <signal.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Arguments kPatient = {"--report=json", "--interrupt-timeout=1h", "--terminate-timeout=1h"};
const Arguments kHasty = {"--report=json", "--interrupt-timeout=20ms", "--terminate-timeout=20ms"};
const Arguments kMarksAll = {"mark", "HUP", "INT", "QUIT", "TERM"};

struct ToTool {
  int number;
  std::string name;   // "INT"
  std::string phase;  // its name in the report
  std::vector<std::string> ladder;
};

void PrintTo(const ToTool& signal, std::ostream* out) { *out << signal.name; }

class SignalToTheTool : public ::testing::TestWithParam<ToTool> {};

INSTANTIATE_TEST_SUITE_P(
    Tool, SignalToTheTool,
    ::testing::Values(ToTool{SIGINT, "INT", "interrupt", {"SIGINT group", "SIGTERM group", "SIGKILL group"}},
                      ToTool{SIGTERM, "TERM", "terminate", {"SIGTERM group", "SIGKILL group"}},
                      ToTool{SIGHUP, "HUP", "signal", {"SIGHUP group", "SIGTERM group", "SIGKILL group"}},
                      ToTool{SIGQUIT, "QUIT", "signal", {"SIGQUIT group", "SIGTERM group", "SIGKILL group"}}),
    [](const auto& test) { return test.param.name; });

TEST_P(SignalToTheTool, GoesToTheProgramFirstAndDecidesTheExitCode) {
  const ToTool& signal = GetParam();
  ToolProcess tool(run_child(kPatient, {"handle", signal.name, "7"}));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(signal.number);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 128 + signal.number);
  EXPECT_EQ(result.out, "ready\ngot SIG" + signal.name + "\n");
  const auto report = parse_report(result.err);
  EXPECT_THAT(
      steps(report),
      ElementsAre("preflight check_status - leader ok", signal.phase + " send_signal SIG" + signal.name + " group ok",
                  signal.phase + " send_signal SIGCONT group ok",
                  signal.phase + " wait_for_exit SIG" + signal.name + " - ok", signal.phase + " sweep - group ok"));
  EXPECT_EQ(report.at("status"), json(R"({"kind":"exited","code":7,"signal":null,"core_dumped":false})"));
  EXPECT_EQ(report.at("ended_by"), json("\"" + signal.phase + "\""));
  EXPECT_EQ(report.at("timed_out"), json("false"));
  EXPECT_EQ(report.at("forced"), json("false"));
  EXPECT_EQ(report.at("survivors"), json("[]"));
}

TEST_P(SignalToTheTool, IsFollowedByTheRestOfTheLadderForAStubbornProgram) {
  const ToTool& signal = GetParam();
  ToolProcess tool(run_child(kHasty, kMarksAll));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(signal.number);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 128 + signal.number);
  const auto report = parse_report(result.err);
  EXPECT_THAT(sent(report), ElementsAreArray(signal.ladder));
  EXPECT_EQ(report.at("status").at("signal"), json("\"SIGKILL\""));
  EXPECT_EQ(report.at("ended_by"), json("\"kill\""));
  EXPECT_EQ(report.at("forced"), json("true"));
}

TEST_P(SignalToTheTool, ASecondTimeGoesStraightToSigkill) {
  const ToTool& signal = GetParam();
  ToolProcess tool(run_child(kPatient, kMarksAll));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(signal.number);
  ASSERT_TRUE(tool.out().wait_for("got SIG" + signal.name));
  tool.send(signal.number);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 128 + signal.number);
  EXPECT_EQ(result.out, "ready\ngot SIG" + signal.name + "\n");
  const auto report = parse_report(result.err);
  EXPECT_THAT(sent(report), ElementsAre("SIG" + signal.name + " group", "SIGKILL group"));
  EXPECT_EQ(report.at("status").at("signal"), json("\"SIGKILL\""));
  EXPECT_EQ(report.at("ended_by"), json("\"kill\""));
  EXPECT_EQ(report.at("forced"), json("true"));
  EXPECT_THAT(live_members(static_cast<int>(report.at("pid").as_int64())), IsEmpty());
}

TEST(SignalsToTheTool, TheFirstOfTwoDifferentOnesDecidesTheExitCode) {
  ToolProcess tool(run_child(kPatient, kMarksAll));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(SIGTERM);
  ASSERT_TRUE(tool.out().wait_for("got SIGTERM"));
  tool.send(SIGHUP);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(sent(parse_report(result.err)), ElementsAre("SIGTERM group", "SIGKILL group"));
}

// The tool is stopped meanwhile, so that both signals are pending when it continues.
TEST(SignalsToTheTool, TwoAtOnceEndTheProgramAndTheReportSaysHow) {
  for (int i = 0; i < 20; ++i) {
    ToolProcess tool(run_child(kPatient, kMarksAll));
    ASSERT_TRUE(tool.out().wait_for("ready"));
    for (const int signal : {SIGSTOP, SIGINT, SIGTERM, SIGCONT}) tool.send(signal);
    const ToolResult result = tool.wait();
    EXPECT_EQ(result.exit_code, 128 + SIGINT);
    const auto report = parse_report(result.err);
    EXPECT_THAT(sent(report), ::testing::Contains("SIGKILL group"));
    EXPECT_EQ(report.at("status").at("signal"), json("\"SIGKILL\""));
    EXPECT_EQ(report.at("ended_by"), json("\"kill\""));
    EXPECT_EQ(report.at("forced"), json("true"));
    if (HasFailure()) return;
  }
}

// The timeout must be long enough on this machine for the child to be ready before it passes.
TEST(SignalsToTheTool, DuringTheTimeoutsEscalationHastenItAndDecideTheExitCode) {
  for (const std::string timeout : {"100ms", "500ms", "3s", "15s"}) {
    ToolProcess tool(run_child(
        {"--report=json", "--timeout=" + timeout, "--interrupt-timeout=1h", "--terminate-timeout=20ms"}, kMarksAll));
    if (tool.out().wait_line() != "ready") continue;
    ASSERT_TRUE(tool.out().wait_for("got SIGINT"));  // the SIGINT of the timeout
    tool.send(SIGTERM);
    const ToolResult result = tool.wait();
    EXPECT_EQ(result.exit_code, 128 + SIGTERM);
    const auto report = parse_report(result.err);
    EXPECT_EQ(sent(report).front(), "SIGINT group");
    EXPECT_EQ(sent(report).back(), "SIGKILL group");
    EXPECT_EQ(report.at("ended_by"), json("\"kill\""));
    return;
  }
  FAIL() << "the child was not ready in 15 s";
}

// The tool is stopped meanwhile, so that the program's end and the signal are both pending when it continues. It may
// see either first.
TEST(SignalsToTheTool, AfterTheProgramsOwnEndSendNothingAndMakeUpNoEscalation) {
  ToolProcess tool(run_child(kPatient, {"new-group", "handle", "TERM", "7"}));
  const std::string moved = tool.out().wait_line();
  ASSERT_THAT(moved, ::testing::StartsWith("moved "));
  const Pidfd program(std::stoi(moved.substr(6)));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(SIGSTOP);
  ASSERT_TRUE(wait_stopped(tool.pid()));
  ASSERT_TRUE(program.send(SIGTERM));
  ASSERT_TRUE(program.wait_dead());
  tool.send(SIGINT);
  tool.send(SIGCONT);
  const ToolResult result = tool.wait();
  EXPECT_THAT(result.exit_code, ::testing::AnyOf(7, 128 + SIGINT));
  const auto report = parse_report(result.err);
  EXPECT_THAT(sent(report), IsEmpty());
  EXPECT_EQ(report.at("status").at("code"), json("7"));
  EXPECT_EQ(report.at("ended_by"), json("null"));
  EXPECT_EQ(report.at("forced"), json("false"));
}

TEST(SignalsToTheTool, AreInTheTextReport) {
  ToolProcess tool(run_child({"--interrupt-timeout=1h"}, {"handle", "HUP", "7"}));
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(SIGHUP);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGHUP);
  EXPECT_THAT(result.err, HasSubstr("SIGHUP received; exited with code 7; ended by signal; after"));
  EXPECT_THAT(result.err, HasSubstr("signal send_signal SIGHUP to group: ok"));
}

// nohup(1) and a shell's background jobs start programs like this.
TEST(SignalsToTheTool, StayIgnoredWhenTheyWereIgnoredAtItsStart) {
  ToolOptions options = run_child(kPatient, kMarksAll);
  options.ignored_signals = {SIGHUP, SIGINT};
  ToolProcess tool(options);
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(SIGHUP);
  tool.send(SIGINT);
  // SIGTERM has the highest number of the three: sigwait(3) would take one of the others before it.
  tool.send(SIGTERM);
  ASSERT_TRUE(tool.out().wait_for("got SIGTERM"));
  tool.send(SIGTERM);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(sent(parse_report(result.err)), ElementsAre("SIGTERM group", "SIGKILL group"));
}

TEST(SignalsToTheTool, ThatWereNotIgnoredAreNotAffectedByOthersThatWere) {
  ToolOptions options = run_child(kPatient, {"handle", "QUIT", "7"});
  options.ignored_signals = {SIGHUP, SIGINT, SIGTERM};
  ToolProcess tool(options);
  ASSERT_TRUE(tool.out().wait_for("ready"));
  tool.send(SIGQUIT);
  EXPECT_EQ(tool.wait().exit_code, 128 + SIGQUIT);
}

}  // namespace
}  // namespace warden::test_support

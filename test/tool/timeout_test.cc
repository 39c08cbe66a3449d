// Programs that the timeout ends, and what the report says about each phase.
#include <cstdio>

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

// The README's program.
const Arguments kStubbornShell = {"sh", "-c", "trap \"\" INT TERM; while :; do sleep 1; done"};

// Runs test_child with a timeout that is long enough on this machine for it to say "ready" (as `ready`) before it
// passes: only then is the child prepared for the signals.
ToolResult run_until_timeout(const Arguments& flags, const Arguments& mode, const std::string& ready = "ready") {
  ToolResult result;
  for (const char* timeout : {"100ms", "500ms", "3s", "15s"}) {
    Arguments all = flags;
    all.insert(all.end(), {std::string("--timeout=") + timeout, "--report=json"});
    result = run_tool(run_child(all, mode));
    if (("\n" + result.out).find("\n" + ready + "\n") != std::string::npos) return result;
  }
  ADD_FAILURE() << "the child was not ready in 15 s; it said: " << result.out;
  return result;
}

std::string group_left(const boost::json::object& report) {
  std::string left;
  for (const int pid : live_members(static_cast<int>(report.at("pid").as_int64()))) {
    left += std::to_string(pid) + " ";
  }
  return left;
}

TEST(Timeout, EndsTheStubbornShellOfTheReadmeInThreeStepsAndLeavesNothing) {
  const ToolResult result =
      run_tool(run_program({"--timeout=2s", "--interrupt-timeout=1s", "--terminate-timeout=1s"}, kStubbornShell));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("timed out; killed by SIGKILL; ended by kill, forced; after"));
  const auto interrupt = result.err.find("send_signal SIGINT to group: ok");
  const auto terminate = result.err.find("send_signal SIGTERM to group: ok");
  const auto kill = result.err.find("send_signal SIGKILL to group: ok");
  ASSERT_NE(kill, std::string::npos) << result.err;
  EXPECT_LT(interrupt, terminate) << result.err;
  EXPECT_LT(terminate, kill) << result.err;
  int pid = 0;
  ASSERT_EQ(std::sscanf(result.err.c_str(), "warden: 'sh' (pid %d)", &pid), 1) << result.err;
  EXPECT_THAT(live_members(pid), IsEmpty());
}

// The program asks the tool to trace it, and its first signal stops it in the tool's hands.
TEST(Timeout, EndsAProgramThatLetsItselfBeTraced) {
  const ToolResult result =
      run_until_timeout({"--interrupt-timeout=50ms", "--terminate-timeout=50ms"}, {"trace-me", "TRAP"}, "traced");
  EXPECT_EQ(result.exit_code, 124) << result.err;
  EXPECT_EQ(group_left(parse_report(result.err)), "");
}

TEST(Timeout, IsFollowedByTheTwoOthersForAStubbornProgram) {
  const ToolResult result = run_until_timeout({"--interrupt-timeout=200ms", "--terminate-timeout=300ms"}, {"stubborn"});
  EXPECT_EQ(result.exit_code, 124);
  const auto report = parse_report(result.err);
  EXPECT_THAT(steps(report),
              ElementsAre("preflight check_status - leader ok", "interrupt send_signal SIGINT group ok",
                          "interrupt send_signal SIGCONT group ok", "interrupt wait_for_exit SIGINT - timed_out",
                          "terminate send_signal SIGTERM group ok", "terminate send_signal SIGCONT group ok",
                          "terminate wait_for_exit SIGTERM - timed_out", "kill send_signal SIGKILL group ok",
                          "kill wait_for_exit SIGKILL - ok", "kill sweep - group ok"));
  EXPECT_EQ(report.at("status"), json(R"({"kind":"signaled","code":null,"signal":"SIGKILL","core_dumped":false})"));
  EXPECT_EQ(report.at("timed_out"), json("true"));
  EXPECT_EQ(report.at("ended_by"), json("\"kill\""));
  EXPECT_EQ(report.at("cause"), json("\"by_us\""));
  EXPECT_EQ(report.at("forced"), json("true"));
  EXPECT_EQ(report.at("survivors"), json("[]"));
  EXPECT_GE(report.at("attempts").at(3).at("elapsed_ms").as_int64(), 200);
  EXPECT_GE(report.at("attempts").at(6).at("elapsed_ms").as_int64(), 300);
  EXPECT_GE(report.at("elapsed_ms").as_int64(), 600);
  EXPECT_EQ(group_left(report), "");
}

TEST(Timeout, EndsAnObedientProgramInTheInterruptPhase) {
  const ToolResult result = run_until_timeout({"--interrupt-timeout=1h"}, {"handle", "INT", "7"});
  EXPECT_EQ(result.exit_code, 124);
  const auto report = parse_report(result.err);
  EXPECT_THAT(steps(report), ElementsAre("preflight check_status - leader ok", "interrupt send_signal SIGINT group ok",
                                         "interrupt send_signal SIGCONT group ok",
                                         "interrupt wait_for_exit SIGINT - ok", "interrupt sweep - group ok"));
  EXPECT_EQ(report.at("status"), json(R"({"kind":"exited","code":7,"signal":null,"core_dumped":false})"));
  EXPECT_EQ(report.at("timed_out"), json("true"));
  EXPECT_EQ(report.at("ended_by"), json("\"interrupt\""));
  EXPECT_EQ(report.at("forced"), json("false"));
  EXPECT_EQ(report.at("survivors"), json("[]"));
}

TEST(Timeout, EndsAProgramThatIgnoresOnlySigintInTheTerminatePhase) {
  const ToolResult result =
      run_until_timeout({"--interrupt-timeout=10ms", "--terminate-timeout=1h"}, {"ignore", "INT", "sleep"});
  EXPECT_EQ(result.exit_code, 124);
  const auto report = parse_report(result.err);
  EXPECT_THAT(sent(report), ElementsAre("SIGINT group", "SIGTERM group"));
  EXPECT_EQ(report.at("status"), json(R"({"kind":"signaled","code":null,"signal":"SIGTERM","core_dumped":false})"));
  EXPECT_EQ(report.at("timed_out"), json("true"));
  EXPECT_EQ(report.at("ended_by"), json("\"terminate\""));
  EXPECT_EQ(report.at("forced"), json("false"));
  EXPECT_EQ(report.at("survivors"), json("[]"));
}

// The leader obeys the signals, and its descendant does not.
TEST(Timeout, EndsWhatOutlivesTheLeaderAndNamesIt) {
  // The first timeout is for the leader's end, which takes time on a busy machine.
  const ToolResult result = run_until_timeout({"--interrupt-timeout=3s", "--terminate-timeout=20ms"},
                                              {"fork", "stubborn", "--", "sleep"}, "child ready");
  EXPECT_EQ(result.exit_code, 124);
  const auto report = parse_report(result.err);
  EXPECT_THAT(sent(report), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
  EXPECT_EQ(report.at("status").at("signal"), json("\"SIGINT\""));
  EXPECT_EQ(report.at("timed_out"), json("true"));
  EXPECT_EQ(report.at("ended_by"), json("\"sweep\""));
  EXPECT_EQ(report.at("forced"), json("true"));
  const std::size_t forked = ("\n" + result.out).find("\nforked ");
  ASSERT_NE(forked, std::string::npos) << result.out;
  const std::string pid = std::to_string(std::stoi(result.out.substr(forked + 7)));
  EXPECT_EQ(report.at("survivors"), json("[{\"pid\":" + pid + ",\"program\":\"test_child\"}]"));
  EXPECT_THAT(steps(report), ::testing::Contains("interrupt sweep - group timed_out"));
  EXPECT_THAT(steps(report), ::testing::Contains("sweep send_signal SIGKILL group ok"));
  EXPECT_EQ(steps(report).back(), "sweep sweep - group ok");
  EXPECT_EQ(group_left(report), "");
}

TEST(Timeout, OfZeroEndsTheProgramAtOnce) {
  const ToolResult result = run_tool(run_child({"--timeout=0", "--report=json"}, {"sleep"}));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(sent(parse_report(result.err)), ElementsAre("SIGINT group"));
}

TEST(Timeout, DoesNotEndWhatAProgramThatEndsByItselfLeavesBehind) {
  ToolProcess tool(run_child({"--timeout=1h", "--report=json"}, {"fork", "sleep"}));
  const std::string forked = tool.out().wait_line();
  ASSERT_THAT(forked, ::testing::AnyOf(::testing::StartsWith("forked "), "child ready"));
  const std::string line = forked == "child ready" ? tool.out().wait_line() : forked;
  const Pidfd left(std::stoi(line.substr(7)));
  // The descendant still holds the streams, so the test waits only for the end of the tool itself.
  ASSERT_TRUE(Pidfd(tool.pid()).wait_dead());
  EXPECT_FALSE(left.is_dead());
  EXPECT_TRUE(left.send(SIGKILL));
  EXPECT_EQ(tool.wait().exit_code, 0);
}

}  // namespace
}  // namespace warden::test_support

// The tool on a terminal: which group has the foreground, and what Ctrl-C does.
#include <signal.h>

#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/send_signal.h"
#include "test/tool/json_report.h"
#include "test/tool/terminal_session.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const char* const kCtrlC = "\x03";
const char* const kCtrlD = "\x04";

// The flags that write the JSON report to a file, and the report.
const Arguments kReportFlags = {"--report=json", "--report-file=" + ::testing::TempDir() + "/pty"};

boost::json::object report() {
  std::ifstream file(::testing::TempDir() + "/pty");
  return parse_report({std::istreambuf_iterator<char>(file), {}});
}

Arguments with_report(Arguments flags) {
  flags.insert(flags.end(), kReportFlags.begin(), kReportFlags.end());
  return flags;
}

// Reads the program's own group from "moved N".
int wait_group(TerminalSession& session) {
  const std::string line = session.output().wait_line();
  EXPECT_THAT(line, StartsWith("moved "));
  return std::stoi("0" + line.substr(line.find(' ') + 1));
}

TEST(OnATerminal, TheProgramsGroupHasTheForegroundAndTheToolTakesItBack) {
  TerminalSession session(run_child({}, {"new-group", "read", "exit", "3"}));
  const int group = wait_group(session);
  ASSERT_TRUE(session.output().wait_for("ready"));
  EXPECT_NE(group, session.tool_pid());
  EXPECT_EQ(session.foreground_group(), group);
  session.type(kCtrlD);
  EXPECT_EQ(session.wait_end(), "exited 3");
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
}

TEST(OnATerminal, TheProgramReadsWhatIsTypedAndWrites) {
  TerminalSession session(run_child({}, {"read", "exit", "3"}));
  ASSERT_TRUE(session.output().wait_for("ready"));
  session.type("hello\n");
  session.type(kCtrlD);
  EXPECT_EQ(session.output().wait_line(), "eof 6");
  EXPECT_EQ(session.wait_end(), "exited 3");
}

TEST(OnATerminal, CtrlCEndsAnObedientProgramAsIfTheToolWereNotThere) {
  TerminalSession session(run_child(kReportFlags, {"sleep"}));
  ASSERT_TRUE(session.output().wait_for("ready"));
  session.type(kCtrlC);
  EXPECT_EQ(session.wait_end(), "exited 130");
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
  EXPECT_EQ(report().at("status").at("signal"), json("\"SIGINT\""));
  EXPECT_EQ(report().at("attempts"), json("[]"));
}

TEST(OnATerminal, CtrlCGoesToTheProgramAndNotToTheTool) {
  TerminalSession session(run_child(kReportFlags, {"handle", "INT", "7"}));
  ASSERT_TRUE(session.output().wait_for("ready"));
  session.type(kCtrlC);
  EXPECT_EQ(session.output().wait_line(), "got SIGINT");
  EXPECT_EQ(session.wait_end(), "exited 7");
  EXPECT_EQ(report().at("attempts"), json("[]"));
}

// The README's program with one more word, since Ctrl-C must come after the trap.
TEST(OnATerminal, CtrlCOnTheStubbornShellOfTheReadmeLeavesItToTheTimeoutAndNothingIsLeft) {
  TerminalSession session(
      run_program(with_report({"--timeout=2s", "--interrupt-timeout=300ms", "--terminate-timeout=300ms"}),
                  {"sh", "-c", "trap \"\" INT TERM; echo ready; while :; do sleep 1; done"}));
  ASSERT_TRUE(session.output().wait_for("ready"));
  session.type(kCtrlC);
  EXPECT_EQ(session.wait_end(), "exited 124");
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
  EXPECT_THAT(sent(report()), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
  EXPECT_EQ(report().at("timed_out"), json("true"));
  EXPECT_THAT(live_members(static_cast<int>(report().at("pid").as_int64())), IsEmpty());
}

// With TOSTOP, the kernel would stop a tool that wrote the report before it had the terminal back.
TEST(OnATerminal, TheReportIsWrittenWhenTheTerminalIsTheToolsAgain) {
  TerminalSession session(run_child({"--report=text"}, {"exit", "3"}));
  EXPECT_EQ(session.wait_end(), "exited 3");
  EXPECT_THAT(session.output().wait_line(), StartsWith("warden: "));
}

TEST(OnATerminal, ASignalToTheToolEndsTheProgramInTheForeground) {
  TerminalSession session(run_child(kReportFlags, {"handle", "TERM", "7"}));
  ASSERT_TRUE(session.output().wait_for("ready"));
  ASSERT_TRUE(send_signal_by_number(session.tool_pid(), SIGTERM));
  EXPECT_EQ(session.wait_end(), "exited 143");
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
  EXPECT_THAT(sent(report()), ElementsAre("SIGTERM group"));
}

TEST(OnATerminal, AProgramThatCannotBeExecutedGivesItBackAndTheErrorIsWritten) {
  for (const auto& [program, end] :
       {std::pair("/nonexistent/program", "exited 127"), std::pair("/etc/passwd", "exited 126")}) {
    TerminalSession session(run_program({}, {program}));
    EXPECT_EQ(session.wait_end(), end);
    EXPECT_EQ(session.foreground_group(), session.tool_pid());
    EXPECT_THAT(session.output().wait_line(), StartsWith("warden: could not start "));
  }
}

TEST(InTheBackgroundOfATerminal, TheToolLeavesTheForegroundWhereItIs) {
  TerminalSession session(run_child(kReportFlags, {"new-group", "handle", "TERM", "7"}), ToolPlace::kBackground,
                          /*stop_background_output=*/false);
  const int group = wait_group(session);
  ASSERT_TRUE(session.output().wait_for("ready"));
  EXPECT_NE(group, session.shell_pid());
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
  ASSERT_TRUE(send_signal_by_number(session.tool_pid(), SIGTERM));
  EXPECT_EQ(session.wait_end(), "exited 143");
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
}

// TOSTOP is set, and the tool is in the background as long as the program runs.
TEST(TailOnATerminal, PassesOnWhatTheProgramInTheForegroundWritesToAPipe) {
  TerminalSession session(
      run_child({"--tail=1", "--report=text"}, {"new-group", "read", "write", "typed\n", "exit", "3"}));
  const int group = wait_group(session);
  ASSERT_TRUE(session.output().wait_for("ready"));
  EXPECT_EQ(session.foreground_group(), group);
  session.type("hello\n");
  session.type(kCtrlD);
  EXPECT_EQ(session.output().wait_line(), "eof 6");
  EXPECT_EQ(session.output().wait_line(), "typed");
  EXPECT_EQ(session.wait_end(), "exited 3");
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
  EXPECT_THAT(session.output().wait_line(), StartsWith("warden: "));
  EXPECT_EQ(session.output().wait_line(), "last lines of stdout:");
  EXPECT_EQ(session.output().wait_line(), "| typed");
}

TEST(TailOnATerminal, LeavesTheProgramOnlyItsStdinOfIt) {
  const char* const script = "test -t 0 && ! test -t 1 && ! test -t 2 && exit 3";
  EXPECT_EQ(TerminalSession(run_program({"--tail=1"}, {"sh", "-c", script})).wait_end(), "exited 3");
  const char* const all = "test -t 0 && test -t 1 && test -t 2 && exit 3";
  EXPECT_EQ(TerminalSession(run_program({}, {"sh", "-c", all})).wait_end(), "exited 3");
}

// The tool itself passes the output on, though the kernel stops a program that writes to the terminal from the
// background.
TEST(TailOnATerminal, PassesOnFromTheBackgroundWhateverStopsOutputFromThere) {
  TerminalSession session(run_program({"--tail=1"}, {"sh", "-c", "echo hello; exit 3"}), ToolPlace::kBackground);
  EXPECT_EQ(session.output().wait_line(), "hello");
  EXPECT_EQ(session.wait_end(), "exited 3");
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
}

// On the terminal a line ends in two bytes, and there may be room for only one of them.
TEST(TailOnATerminal, DoesNotHoldTheToolWhenNobodyReadsIt) {
  for (const char* text : {"y", "yy"}) {
    TerminalSession session(run_program(with_report({"--tail=1", "--timeout=100ms"}), {"yes", text}));
    EXPECT_EQ(session.wait_end(), "exited 124");
    EXPECT_LT(report().at("stdout").at("passed_bytes").as_int64(), report().at("stdout").at("total_bytes").as_int64());
  }
}

}  // namespace
}  // namespace warden::test_support

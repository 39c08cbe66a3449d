// The tool as a job of a shell: Ctrl-Z, fg and bg.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/send_signal.h"
#include "test/tool/terminal_session.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::StartsWith;

const char* const kCtrlC = "\x03";
const char* const kCtrlD = "\x04";
const char* const kCtrlZ = "\x1a";
const std::string kStopped = "stopped " + std::to_string(SIGTSTP);

// A program that says "moved N" with its group's number, "ready", and "got SIGCONT" whenever it continues.
const Arguments kProgram = {"new-group", "mark", "CONT"};

int wait_group(TerminalSession& session) {
  const std::string line = session.output().wait_line();
  EXPECT_THAT(line, StartsWith("moved "));
  EXPECT_TRUE(session.output().wait_for("ready"));
  return std::stoi("0" + line.substr(line.find(' ') + 1));
}

// Returns the state of the process; 'T' is stopped (proc(5)).
char state_of(int pid) {
  char state = '?';
  if (FILE* file = ::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "re")) {
    if (::fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = '?';
    ::fclose(file);
  }
  return state;
}

void expect_end_by_ctrl_c(TerminalSession& session) {
  session.type(kCtrlC);
  EXPECT_EQ(session.wait_end(), "exited 130");
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
}

TEST(JobControl, CtrlZStopsTheProgramAndTheToolWhichHasTheTerminalBack) {
  TerminalSession session(run_child({}, kProgram));
  const int group = wait_group(session);
  session.type(kCtrlZ);
  EXPECT_EQ(session.wait_end(), kStopped);
  EXPECT_EQ(state_of(group), 'T');
  EXPECT_EQ(session.foreground_group(), session.tool_pid());
}

TEST(JobControl, FgContinuesTheProgramInTheForeground) {
  TerminalSession session(run_child({}, kProgram));
  const int group = wait_group(session);
  for (int i = 0; i < 3; ++i) {
    session.type(kCtrlZ);
    ASSERT_EQ(session.wait_end(), kStopped);
    session.continue_in_foreground();
    EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
    EXPECT_EQ(session.foreground_group(), group);
  }
  expect_end_by_ctrl_c(session);
}

TEST(JobControl, BgContinuesTheProgramInTheBackground) {
  TerminalSession session(run_child({}, kProgram), ToolPlace::kForeground, /*stop_background_output=*/false);
  wait_group(session);
  session.type(kCtrlZ);
  ASSERT_EQ(session.wait_end(), kStopped);
  session.continue_in_background();
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
  ASSERT_TRUE(send_signal_by_number(session.tool_pid(), SIGTERM));
  EXPECT_EQ(session.wait_end(), "exited 143");
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
}

TEST(JobControl, FgBringsAProgramThatRunsInTheBackgroundToTheForeground) {
  TerminalSession session(run_child({}, kProgram), ToolPlace::kForeground, /*stop_background_output=*/false);
  const int group = wait_group(session);
  session.type(kCtrlZ);
  ASSERT_EQ(session.wait_end(), kStopped);
  session.continue_in_background_for_now();
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
  session.continue_in_foreground();
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  EXPECT_EQ(session.foreground_group(), group);
  expect_end_by_ctrl_c(session);
}

TEST(JobControl, AProgramThatReadsInTheBackgroundStopsTheToolAndReadsAfterFg) {
  TerminalSession session(run_child({}, {"read", "exit", "3"}), ToolPlace::kBackground,
                          /*stop_background_output=*/false);
  ASSERT_TRUE(session.output().wait_for("ready"));
  ASSERT_EQ(session.wait_end(), kStopped);
  EXPECT_EQ(session.foreground_group(), session.shell_pid());
  session.continue_in_foreground();
  session.type("hello\n");
  session.type(kCtrlD);
  EXPECT_EQ(session.output().wait_line(), "eof 6");
  EXPECT_EQ(session.wait_end(), "exited 3");
}

// The program's stdin is a file, for example: then the tool's group stays in the terminal's foreground, and Ctrl-Z
// reaches only the tool.
TEST(JobControl, ACtrlZThatComesToTheToolStopsTheProgramToo) {
  TerminalSession session(run_child({}, kProgram));
  const int group = wait_group(session);
  ASSERT_TRUE(send_signal_by_number(session.tool_pid(), SIGTSTP));
  EXPECT_EQ(session.wait_end(), kStopped);
  EXPECT_EQ(state_of(group), 'T');
  session.continue_in_foreground();
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  expect_end_by_ctrl_c(session);
}

TEST(JobControl, WorksThoughTheToolWasStartedWithSigchldIgnored) {
  ToolOptions options = run_child({}, kProgram);
  options.ignored_signals = {SIGCHLD};
  TerminalSession session(options);
  wait_group(session);
  session.type(kCtrlZ);
  ASSERT_EQ(session.wait_end(), kStopped);
  session.continue_in_foreground();
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  expect_end_by_ctrl_c(session);
}

// The kernel stops no process of an orphaned group; but the program's group is not orphaned, since the tool is a parent
// outside it.
TEST(JobControl, WithoutAShellThatCouldContinueItCtrlZHasNoEffect) {
  TerminalSession session(run_child({}, kProgram), ToolPlace::kSession);
  const int group = wait_group(session);
  session.type(kCtrlZ);
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  EXPECT_EQ(session.foreground_group(), group);
  session.type(kCtrlC);
  EXPECT_EQ(session.wait_end(), "exited 130");  // the terminal has no foreground group: its session has ended
}

TEST(JobControl, AToolThatIgnoresTheStopSignalLetsTheProgramGoOn) {
  ToolOptions options = run_child({}, kProgram);
  options.ignored_signals = {SIGTSTP};
  TerminalSession session(options);
  wait_group(session);
  session.type(kCtrlZ);
  EXPECT_EQ(session.output().wait_line(), "got SIGCONT");
  expect_end_by_ctrl_c(session);
}

TEST(JobControl, AProgramThatWasStoppedByNoTerminalIsLeftToTheTimeout) {
  TerminalSession session(run_child({"--timeout=500ms"}, {"stop"}));
  ASSERT_TRUE(session.output().wait_for("stopping"));
  EXPECT_EQ(session.wait_end(), "exited 124");
}

TEST(JobControl, WithoutATerminalAStopSignalOfTheProgramsIsLeftToTheTimeout) {
  const int terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) {
    ::close(terminal);
    GTEST_SKIP() << "this test has a terminal";
  }
  EXPECT_EQ(run_tool(run_child({"--timeout=500ms"}, {"die", "TSTP"})).exit_code, 124);
}

}  // namespace
}  // namespace warden::test_support

// The exit codes of the tool.
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class OwnCode : public ::testing::TestWithParam<int> {};

TEST_P(OwnCode, OfTheProgramIsTheToolsAndNothingIsSaid) {
  const ToolResult result = run_tool(run_child({}, {"exit", std::to_string(GetParam())}));
  EXPECT_EQ(result.exit_code, GetParam());
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(Tool, OwnCode, ::testing::Values(0, 1, 3, 124, 125, 130, 255));

class DeathBySignal : public ::testing::TestWithParam<int> {};

TEST_P(DeathBySignal, OfTheProgramIs128AndItsNumberAndNothingIsSaid) {
  const ToolResult result = run_tool(run_child({}, {"die", std::to_string(GetParam())}));
  EXPECT_EQ(result.exit_code, 128 + GetParam());
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(Tool, DeathBySignal, ::testing::Values(SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGTERM, SIGRTMAX));

TEST(Code124, IsForAProgramThatTheTimeoutHadToEnd) {
  EXPECT_EQ(run_tool(run_child({"--timeout=50ms", "--report=none"}, {"sleep"})).exit_code, 124);
}

TEST(Code124, IsNotForAProgramThatEndsInTime) {
  EXPECT_EQ(run_tool(run_child({"--timeout=1h"}, {"exit", "3"})).exit_code, 3);
}

TEST(Code125, IsForAReportThatCannotBeWritten) {
  const ToolResult result = run_tool(run_child({"--report-file=/dev/full"}, {"exit", "0"}));
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_EQ(result.err, "warden: cannot write the report: No space left on device\n");
}

// A file with the mode that a test needs, as the tool's program.
std::string make_file(const std::string& name, const std::string& text, mode_t mode) {
  const std::string path = ::testing::TempDir() + "/" + name;
  ::unlink(path.c_str());
  std::ofstream(path) << text;
  EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  return path;
}

void expect_not_run(const ToolOptions& options, int exit_code, const std::string& program, const std::string& why) {
  const ToolResult result = run_tool(options);
  EXPECT_EQ(result.exit_code, exit_code);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith("warden: "));
  EXPECT_THAT(result.err, HasSubstr("'" + program + "'"));
  EXPECT_THAT(result.err, HasSubstr(why));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST(Code126, IsForAFileThatIsNotExecutable) {
  const std::string path = make_file("not-executable", "#!/bin/sh\n", 0644);
  expect_not_run(run_program({}, {path}), 126, path, "Permission denied");
}

TEST(Code126, IsForADirectory) { expect_not_run(run_program({}, {"/"}), 126, "/", "Permission denied"); }

TEST(Code126, IsForAFileThatTheKernelCannotExecute) {
  const std::string path = make_file("bad-format", "no program at all\n", 0755);
  expect_not_run(run_program({}, {path}), 126, path, "Exec format error");
}

TEST(Code126, IsForAProgramInPathThatIsNotExecutable) {
  make_file("in-path-not-executable", "#!/bin/sh\n", 0644);
  expect_not_run(run_program({"--env=PATH=" + ::testing::TempDir()}, {"in-path-not-executable"}), 126,
                 "in-path-not-executable", "Permission denied");
}

TEST(Code126, IsForAPathThroughAFile) {
  expect_not_run(run_program({}, {"/etc/passwd/x"}), 126, "/etc/passwd/x", "Not a directory");
}

TEST(Code127, IsForAPathThatDoesNotExist) {
  for (const std::string path : {"/nonexistent/program", "./no-such-program"}) {
    expect_not_run(run_program({}, {path}), 127, path, "No such file or directory");
  }
}

TEST(Code127, IsForAProgramThatIsNotInPath) {
  expect_not_run(run_program({}, {"no-such-program"}), 127, "no-such-program", "No such file or directory");
}

TEST(Code127, IsForAScriptWithAnInterpreterThatDoesNotExist) {
  const std::string path = make_file("bad-interpreter", "#!/nonexistent/interpreter\n", 0755);
  expect_not_run(run_program({}, {path}), 127, path, "No such file or directory");
}

ToolResult run_with_sigchld_ignored() {
  ToolOptions options = run_child({"--report=json"}, {"exit", "3"});
  options.ignored_signals = {SIGCHLD};
  return run_tool(options);
}

TEST(SigchldIgnored, AtTheStartOfTheToolTakesNoStatusAway) {
  run_isolated_unchecked([] {
    // a new kernel returns the status through an ioctl of a pidfd
    ASSERT_TRUE(refuse_system_calls({{SYS_ioctl, ENOTTY}}));
    EXPECT_EQ(run_with_sigchld_ignored().exit_code, 3);
  });
}

// Where the tool cannot restore SIGCHLD, the kernel discards the status.
TEST(Code125, IsForAStatusThatTheKernelCannotTell) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer's runtime changes dispositions itself, and ends where it may not";
#endif
  run_isolated_unchecked([] {
    // The filter hits the change of SIGCHLD in the tool, which does not ask for the old disposition, and not the one
    // before the exec, which does.
    const RefusedCall changes = {SYS_rt_sigaction, EPERM, RefusedCall::When::kArgumentIs, 0, 2};
    ASSERT_TRUE(refuse_system_calls({{SYS_ioctl, ENOTTY}, changes}));
    const ToolResult result = run_with_sigchld_ignored();
    EXPECT_EQ(result.exit_code, 125);
    EXPECT_EQ(parse_report(result.err).at("status"),
              json(R"({"kind":"lost","code":null,"signal":null,"core_dumped":false})"));
  });
}

}  // namespace
}  // namespace warden::test_support

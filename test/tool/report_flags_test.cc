// Which report goes where.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

const char* const kEscalate = "--timeout=50ms";

std::string contents(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string report_path() { return ::testing::TempDir() + "/report"; }

TEST(Report, IsNotWrittenWithoutAnEscalation) {
  EXPECT_EQ(run_tool(run_child({}, {"exit", "1"})).err, "");
  EXPECT_EQ(run_tool(run_child({"--timeout=1h"}, {"exit", "0"})).err, "");
}

TEST(Report, IsTextOnStderrAfterAnEscalation) {
  const ToolResult result = run_tool(run_child({kEscalate, "--name=nap"}, {"sleep"}));
  EXPECT_THAT(result.err, MatchesRegex("warden: 'nap' \\(pid [0-9]+\\) timed out; killed by SIGINT; ended by "
                                       "interrupt; after [^\n]*s\n"
                                       "\\[1\\] [^\n]*\n\\[2\\] interrupt send_signal SIGINT to group: ok\n.*"));
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("warden")));
}

TEST(ReportText, IsOneLineForAnEndOfTheProgramsOwn) {
  const ToolResult result = run_tool(run_child({"--report=text", "--name=nap"}, {"exit", "3"}));
  EXPECT_THAT(result.err, MatchesRegex("warden: 'nap' \\(pid [0-9]+\\) exited with code 3; after [^\n]*\n"));
  EXPECT_EQ(result.exit_code, 3);
}

TEST(ReportText, IsFullAfterAnEscalation) {
  const ToolResult result = run_tool(run_child({kEscalate, "--report=text"}, {"sleep"}));
  EXPECT_THAT(result.err, HasSubstr("SIGINT to group: ok"));
}

TEST(ReportJson, IsWrittenToStderrWithAndWithoutAnEscalation) {
  const ToolResult natural = run_tool(run_child({"--report=json"}, {"exit", "3"}));
  EXPECT_EQ(parse_report(natural.err).at("timed_out"), json("false"));
  const ToolResult ended = run_tool(run_child({"--report=json", kEscalate}, {"sleep"}));
  EXPECT_EQ(parse_report(ended.err).at("timed_out"), json("true"));
}

TEST(ReportNone, IsSilentEvenAfterAnEscalation) {
  const ToolResult result = run_tool(run_child({kEscalate, "--report=none"}, {"sleep"}));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_EQ(result.err, "");
}

TEST(ReportFile, GetsTheReportInPlaceOfStderr) {
  const std::string path = report_path();
  const ToolResult json_run = run_tool(run_child({"--report=json", "--report-file=" + path}, {"exit", "3"}));
  EXPECT_EQ(json_run.exit_code, 3);
  EXPECT_EQ(json_run.err, "");
  EXPECT_EQ(parse_report(contents(path)).at("status").at("code"), json("3"));
  const ToolResult text_run = run_tool(run_child({kEscalate, "--report-file=" + path}, {"sleep"}));
  EXPECT_EQ(text_run.err, "");
  EXPECT_THAT(contents(path), HasSubstr("SIGINT to group: ok"));
}

TEST(ReportFile, IsWrittenWithoutAnEscalationToo) {
  EXPECT_EQ(run_tool(run_child({"--report-file=" + report_path()}, {"exit", "3"})).err, "");
  EXPECT_THAT(contents(report_path()), HasSubstr("exited with code 3"));
}

TEST(ReportFile, LosesWhatItHadBefore) {
  std::ofstream(report_path()) << std::string(100000, 'x');
  run_tool(run_child({"--report=json", "--report-file=" + report_path()}, {"exit", "3"}));
  parse_report(contents(report_path()));
}

// Returns the exit code and the file's contents afterwards; `script` has the file as $1 and the tool as $0.
ToolResult run_script(const std::string& script) {
  return run_tool(run_program({}, {"/bin/sh", "-c", script, tool_path(), report_path()}));
}

TEST(ReportFile, ThatIsTheToolsStdoutIsWrittenBehindWhatIsThere) {
  const ToolResult result =
      run_script("echo before >$1; $0 run --report-file=/dev/stdout -- echo program >>$1 && cat $1");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, MatchesRegex("before\nprogram\nwarden: 'echo'[^\n]*\n"));
  const ToolResult anew = run_script("$0 run --report-file=/dev/stdout -- echo program >$1 && cat $1");
  EXPECT_THAT(anew.out, MatchesRegex("program\nwarden: 'echo'[^\n]*\n"));
}

TEST(ReportFile, IsNotTakenForAClosedStream) {
  const ToolResult result =
      run_script("$0 run --report=json --report-file=$1 -- sh -c 'cat; echo out; echo err >&2; exit 3' <&- >&- 2>&-");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(parse_report(contents(report_path())).at("status").at("code"), json("3"));
  EXPECT_EQ(run_script("$0 run --report-file=$1 -- /no/such/program 2>&-").exit_code, 127);
  EXPECT_EQ(contents(report_path()), "") << "a message for stderr";
}

TEST(ReportFile, ThatMayNotGrowIsSaidAndKillsNothing) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer writes to a file of its own when the tool starts";
#endif
  const ToolResult result = run_script("ulimit -f 0; $0 run --report-file=$1 -- true");
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_EQ(result.err, "warden: cannot write the report: File too large\n");
}

TEST(ReportFile, IsTakenFromTheToolsDirectoryNotTheProgramsOwn) {
  const std::string name = "report-" + std::to_string(::getpid());
  const ToolResult result =
      run_tool(run_child({"--cwd=/proc", "--report=json", "--report-file=" + name}, {"exit", "3"}));
  EXPECT_EQ(result.exit_code, 3);
  parse_report(contents(name));
  EXPECT_EQ(::unlink(name.c_str()), 0);
}

}  // namespace
}  // namespace warden::test_support

// The JSON report of each kind of end without an escalation; timeout_test.cc and signal_test.cc cover the others.
// parse_report() checks every field's name, type and words each time.
#include "test/tool/json_report.h"

#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

boost::json::object report_of(const Arguments& mode) {
  return parse_report(run_tool(run_child({"--report=json", "--timeout=1h"}, mode)).err);
}

void expect_no_escalation(const boost::json::object& report) {
  EXPECT_EQ(report.at("timed_out"), json("false"));
  EXPECT_EQ(report.at("ended_by"), json("null"));
  EXPECT_EQ(report.at("forced"), json("false"));
  EXPECT_EQ(report.at("survivors"), json("null"));
  EXPECT_EQ(report.at("attempts"), json("[]"));
}

TEST(JsonReport, OfANaturalExit) {
  const auto report = report_of({"exit", "0"});
  EXPECT_EQ(report.at("status"), json(R"({"kind":"exited","code":0,"signal":null,"core_dumped":false})"));
  expect_no_escalation(report);
}

TEST(JsonReport, OfAnExitCode) {
  const auto report = report_of({"exit", "255"});
  EXPECT_EQ(report.at("status"), json(R"({"kind":"exited","code":255,"signal":null,"core_dumped":false})"));
  expect_no_escalation(report);
}

TEST(JsonReport, OfADeathBySignal) {
  const auto report = report_of({"die", "USR1"});
  EXPECT_EQ(report.at("status"), json(R"({"kind":"signaled","code":null,"signal":"SIGUSR1","core_dumped":false})"));
  expect_no_escalation(report);
}

TEST(JsonReport, HasThePidOfTheProgram) {
  const ToolResult result = run_tool(run_program({"--report=json"}, {"sh", "-c", "printf $$"}));
  EXPECT_EQ(parse_report(result.err).at("pid"), json(result.out));
}

TEST(JsonReport, HasTheTimeFromStartToEnd) {
  const ToolResult result = run_tool(run_program({"--report=json"}, {"sleep", "0.2"}));
  EXPECT_GE(parse_report(result.err).at("elapsed_ms").as_int64(), 200);
}

// The machine decides whether there is a core dump: waitpid(2) on the same program shows what happens here.
TEST(JsonReport, TellsACoreDumpWhereTheKernelTellsOne) {
  const std::string directory = ::testing::TempDir();
  const char* const script = "ulimit -c unlimited 2>/dev/null; kill -ABRT $$";
  const pid_t direct = ::fork();
  if (direct == 0) {
    if (::chdir(directory.c_str()) == 0) ::execl("/bin/sh", "sh", "-c", script, nullptr);
    ::_exit(99);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(direct, &status, 0), direct);
  ASSERT_TRUE(WIFSIGNALED(status));
  const ToolResult result = run_tool(run_program({"--report=json", "--cwd=" + directory}, {"/bin/sh", "-c", script}));
  EXPECT_EQ(parse_report(result.err).at("status").at("core_dumped"), json(WCOREDUMP(status) ? "true" : "false"));
}

}  // namespace
}  // namespace warden::test_support

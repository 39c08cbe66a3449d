// The setting of the program of `run`: streams, arguments, environment, directory, descriptors.
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

std::string output_of(const Arguments& flags, const Arguments& program) {
  const ToolResult result = run_tool(run_program(flags, program));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  return result.out;
}

TEST(Streams, StdinReachesTheProgramAndStdoutComesBackByteForByte) {
  std::string text;
  for (int i = 0; i < 1 << 20; ++i) text.push_back(static_cast<char>(i * 31 + i / 256));
  ToolOptions options = run_program({}, {"cat"});
  options.input = text;
  const ToolResult result = run_tool(options);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out == text) << result.out.size() << " of " << text.size() << " bytes";
  EXPECT_EQ(result.err, "");
}

TEST(Streams, StdoutAndStderrStayApart) {
  const ToolResult result = run_tool(run_program({}, {"sh", "-c", "printf out; printf err >&2; printf more"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "outmore");
  EXPECT_EQ(result.err, "err");
}

TEST(Streams, TheProgramGetsNoOtherDescriptorThanThem) {
  const std::string report_file = "--report-file=" + ::testing::TempDir() + "/report";
  // 3 is the directory that is being listed.
  EXPECT_EQ(output_of({report_file}, {"ls", "/proc/self/fd"}), "0\n1\n2\n3\n");
}

TEST(Arguments, ReachTheProgramAsTheyAreWhateverTheyLookLike) {
  EXPECT_EQ(output_of({}, {"sh", "-c", "for word; do printf '[%s]' \"$word\"; done", "sh", "--timeout=x", "--",
                           "--report=json", "", "-h", "two words", "*"}),
            "[--timeout=x][--][--report=json][][-h][two words][*]");
}

TEST(Env, SetsEachVariableAndTheLastValueOfOne) {
  EXPECT_EQ(output_of({"--env=A=1", "--env=B=x=y z", "--env=C=", "--env=A=2"},
                      {"sh", "-c", "printf '%s|%s|%s|%s' \"$A\" \"$B\" \"$C\" \"${C-unset}\""}),
            "2|x=y z||");
}

TEST(Env, ReplacesWhatTheToolHasAndLeavesTheRest) {
  ToolOptions options = run_program({"--env=REPLACED=new"}, {"sh", "-c", "printf '%s|%s' $REPLACED $KEPT"});
  options.environment = {{"REPLACED", "old"}, {"KEPT", "kept"}};
  EXPECT_EQ(run_tool(options).out, "new|kept");
}

TEST(Env, DecidesWhereTheProgramIsFound) {
  const std::string directory = ::testing::TempDir() + "/elsewhere";
  ::mkdir(directory.c_str(), 0777);
  const std::string program = directory + "/only-there";
  std::ofstream(program) << "#!/bin/sh\nexit 23\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  EXPECT_EQ(run_tool(run_program({}, {"only-there"})).exit_code, 127);
  EXPECT_EQ(run_tool(run_program({"--env=PATH=" + directory}, {"only-there"})).exit_code, 23);
}

TEST(Cwd, IsWhereTheProgramStarts) { EXPECT_EQ(output_of({"--cwd=/proc"}, {"sh", "-c", "pwd -P"}), "/proc\n"); }

TEST(Cwd, IsTheToolsWithoutTheFlag) {
  char* const here = ::realpath(".", nullptr);
  EXPECT_EQ(output_of({}, {"sh", "-c", "pwd -P"}), std::string(here) + "\n");
  ::free(here);
}

TEST(Name, IsWhatReportsAndErrorsCallTheProgram) {
  const ToolResult good = run_tool(run_program({"--name=my db", "--report=json"}, {"true"}));
  EXPECT_EQ(parse_report(good.err).at("name"), json("\"my db\""));
  const ToolResult text = run_tool(run_program({"--name=my db", "--report=text"}, {"true"}));
  EXPECT_THAT(text.err, HasSubstr("'my db'"));
  const ToolResult bad = run_tool(run_program({"--name=my db"}, {"/nonexistent/program"}));
  EXPECT_THAT(bad.err, HasSubstr("'my db'"));
}

TEST(Name, IsTheProgramWithoutTheFlagAndNeverItsArguments) {
  const ToolResult result = run_tool(run_program({"--report=json"}, {"true", "--secret"}));
  EXPECT_EQ(parse_report(result.err).at("name"), json("\"true\""));
  EXPECT_THAT(result.err, ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace warden::test_support

// The program does not outlive the tool.
#include <signal.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

// Returns the N of a line "moved N".
int moved_group(const std::string& line) {
  EXPECT_THAT(line, ::testing::StartsWith("moved "));
  return std::stoi("0" + line.substr(line.find(' ') + 1));
}

class ToolKilledBy : public ::testing::TestWithParam<int> {};

// The tool does not handle USR2, which ends it.
INSTANTIATE_TEST_SUITE_P(Tool, ToolKilledBy, ::testing::Values(SIGKILL, SIGUSR2));

TEST_P(ToolKilledBy, ASignalTakesAStubbornProgramWithIt) {
  ToolProcess tool(run_child({}, {"new-group", "stubborn"}));
  const int pid = moved_group(tool.out().wait_line());
  ASSERT_GT(pid, 1);
  const Pidfd program(pid);
  ASSERT_TRUE(tool.out().wait_for("ready"));
  ASSERT_FALSE(program.is_dead());
  tool.send(GetParam());
  const bool died = program.wait_dead();
  EXPECT_TRUE(died) << "the program outlived the tool";
  if (!died) program.send(SIGKILL);
  const ToolResult result = tool.wait();  // until the end of the streams, which the program held
  EXPECT_EQ(result.signal, GetParam());
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace warden::test_support

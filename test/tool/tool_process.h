// The tool, started as a user starts it.
//
// Example:
//   ToolProcess tool(run_child({"--report=json"}, {"handle", "INT", "3"}));
//   ASSERT_TRUE(tool.out().wait_for("ready"));
//   tool.send(SIGINT);
//   EXPECT_EQ(tool.wait().exit_code, 130);
#ifndef WARDEN_TEST_TOOL_TOOL_PROCESS_H_
#define WARDEN_TEST_TOOL_TOOL_PROCESS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "test/tool/line_reader.h"

namespace warden::test_support {

using Arguments = std::vector<std::string>;

struct ToolOptions {
  Arguments arguments;                             // without the tool's own name
  std::string input;                               // the tool's stdin, a file
  std::map<std::string, std::string> environment;  // besides that of this process
  std::vector<int> ignored_signals;                // as nohup(1) does
};

struct ToolResult {
  int exit_code = -1;  // -1 when a signal ended the tool
  int signal = 0;
  std::string out, err;
};

// Returns options for `run FLAGS -- PROGRAM`.
ToolOptions run_program(const Arguments& flags, const Arguments& program);
// The same for test_child in a mode, which acknowledges on stdout.
ToolOptions run_child(const Arguments& flags, const Arguments& mode);

// Returns the path of the tool.
std::string tool_path();

// The tool with pipes as stdout and stderr.
class ToolProcess {
 public:
  explicit ToolProcess(const ToolOptions& options);
  // Kills the tool if it was not waited for; the tool's child then dies with it, as the tool promises.
  ~ToolProcess();
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;

  int pid() const { return pid_; }
  LineReader& out() { return *out_; }
  void send(int signal);

  // Waits for the end of stdout and stderr, and for the tool's end. After 60 s the test fails and the tool is killed.
  ToolResult wait();

 private:
  int pid_ = -1;  // -1 once it is reaped
  std::unique_ptr<LineReader> out_, err_;
};

// Starts the tool and waits for it.
ToolResult run_tool(const ToolOptions& options);

// An exec of the tool after a fork: everything that allocates happens before.
class ToolExec {
 public:
  explicit ToolExec(const ToolOptions& options);
  // Returns only when it failed. The caller sets up the standard streams.
  void exec();

 private:
  std::string path_;
  Arguments arguments_, environment_;
  std::vector<char*> argv_, envp_;
  std::vector<int> ignored_signals_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_TOOL_TOOL_PROCESS_H_

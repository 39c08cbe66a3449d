// A terminal with a session on it, in which the tool runs as a shell would run it.
//
// Example:
//   TerminalSession session(run_child({}, {"sleep"}));
//   ASSERT_TRUE(session.output().wait_for("ready"));
//   session.type("\x03");
//   EXPECT_EQ(session.wait_end(), "exited 130");
#ifndef WARDEN_TEST_TOOL_TERMINAL_SESSION_H_
#define WARDEN_TEST_TOOL_TERMINAL_SESSION_H_

#include <memory>
#include <string>

#include "test/tool/line_reader.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {

enum class ToolPlace {
  kForeground,
  kBackground,
  kSession,  // the tool leads the session itself, without a shell that could continue it
};

// A pseudo-terminal (no echo, lines end in a plain newline, Ctrl-C is SIGINT, and a background process that writes to
// it is stopped with SIGTTOU if `stop_background_output`). Its session has two groups: the shell's, which is a process
// of this class that only waits, and the tool's. The tool's standard streams are the terminal.
class TerminalSession {
 public:
  explicit TerminalSession(const ToolOptions& options, ToolPlace place = ToolPlace::kForeground,
                           bool stop_background_output = true);
  // Ends the session, and kills the tool if it is still there.
  ~TerminalSession();
  TerminalSession(const TerminalSession&) = delete;
  TerminalSession& operator=(const TerminalSession&) = delete;

  int tool_pid() const { return tool_pid_; }
  int shell_pid() const { return shell_pid_; }

  // The output that comes to the terminal.
  LineReader& output() { return *output_; }
  // Types these keys.
  void type(const std::string& keys);
  // The group that Ctrl-C goes to.
  int foreground_group() const;

  // Waits for the tool's end: "exited 3", "killed 9"; "stopped 22" as soon as a signal stops it. The session lasts
  // until this object is destroyed.
  std::string wait_end();

  // Do what a shell's fg and bg do with a stopped job.
  void continue_in_foreground() { tell_shell('f'); }
  void continue_in_background() { tell_shell('b'); }
  // The same as bg, but another of these calls follows before the shell looks at the job again.
  void continue_in_background_for_now() { tell_shell('n'); }

 private:
  void tell_shell(char command);

  std::unique_ptr<LineReader> output_;  // the master
  std::unique_ptr<LineReader> news_;    // from the shell
  int commands_ = -1;                   // to the shell, which ends when this is closed
  int shell_pid_ = -1;
  int tool_pid_ = -1;
  bool tool_ended_ = false;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_TOOL_TERMINAL_SESSION_H_

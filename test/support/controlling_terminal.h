// A terminal that this process controls, as a shell controls its own.
#ifndef WARDEN_TEST_SUPPORT_CONTROLLING_TERMINAL_H_
#define WARDEN_TEST_SUPPORT_CONTROLLING_TERMINAL_H_

#include <functional>
#include <string>

namespace warden::test_support {

// The ends of a new pseudo-terminal without echo, whose lines end in a plain newline.
int open_terminal_master();
// With `stop_background_output` (TOSTOP), a process in the background that writes to the terminal is stopped.
int open_terminal_slave(int master, bool stop_background_output = false);

// Makes this process the leader of a new session on such a terminal, with its group in the foreground. Blocks the
// signals of the keys (SIGINT, SIGTSTP) and of background access (SIGTTIN, SIGTTOU), so that tests can ask for them.
// Use it only in run_isolated_unchecked, before there is a second thread.
class ControllingTerminal {
 public:
  ControllingTerminal();
  ~ControllingTerminal();
  ControllingTerminal(const ControllingTerminal&) = delete;
  ControllingTerminal& operator=(const ControllingTerminal&) = delete;

  // The terminal, for the streams of a child.
  int fd() const { return slave_; }
  // Sets whether a background process that writes is stopped (TOSTOP).
  void stop_background_output(bool stop) const;
  // Types these keys: "\x03" is Ctrl-C, "\x1a" Ctrl-Z, "\x04" Ctrl-D.
  void type(const std::string& keys) const;
  // Waits until that many bytes have been written to the terminal; returns what there is after a minute otherwise.
  std::string wait_output(std::size_t size) const;

  // The group that the keys go to.
  int foreground_group() const;
  // Calls tcsetpgrp(3), which this process may do from the background, too, with SIGTTOU blocked.
  bool set_foreground_group(int group) const;

  // Waits for one of the blocked signals to this process and takes it; false after a minute.
  static bool wait_signal(int signal);
  static bool is_pending(int signal);

 private:
  int master_ = -1;
  int slave_ = -1;
};

// Runs the body as run_isolated does, in a new session on a terminal. The body must leave its own group in the
// foreground. Skips the test where there are no pseudo-terminals.
void run_on_terminal(const std::function<void(const ControllingTerminal&)>& body);

// Waits until this child of the test process is stopped, and returns the signal that stopped it; -1 after a minute.
int wait_stop_signal(int pid);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_CONTROLLING_TERMINAL_H_

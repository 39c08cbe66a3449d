// The tool as a job of a shell: when a terminal's signal stops its program, the tool stops, too; both go on together.
#ifndef WARDEN_LIB_TOOL_JOB_CONTROL_H_
#define WARDEN_LIB_TOOL_JOB_CONTROL_H_

#include <mutex>

#include "warden/child.h"

namespace warden::tool {

// Thread-safe.
class JobControl {
 public:
  // The signals that handle() is for.
  static bool concerns(int signal);

  // `lent`: the child's group has been given the foreground of the terminal on stdin.
  JobControl(Child& child, bool lent) : child_(child), lent_(lent) {}

  // SIGTSTP: sends it on to the program. SIGCHLD: if a signal of the terminal has stopped the program, takes the
  // terminal back, and stops the tool's own group until it is continued. SIGCONT: lends the terminal again if the tool
  // has been given it, and continues the program.
  // REQUIRES: those three are blocked in every thread.
  void handle(int signal);

  // The program has ended: takes the terminal back if it is lent, and lends it no more. Idempotent.
  void end();

 private:
  void suspend(int signal);
  void resume();

  Child& child_;
  std::mutex mutex_;
  bool lent_;
  bool has_ended_ = false;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_JOB_CONTROL_H_

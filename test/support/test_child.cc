// The child that the process tests start: test_child [--ack=FD] MODE [ARGUMENT...]
//
// Each step is acknowledged by a line on FD, so that a test waits for what it needs and never sleeps. Where MODE...
// stands, any mode with its arguments may follow. Signals are numbers or names without SIG. The modes:
//
//   exit CODE              exits
//   die SIGNAL             kills itself by the signal, its disposition and mask reset
//   sleep                  "ready", then waits for ever (for a signal to kill it)
//   stubborn               ignores INT and TERM, then as sleep
//   handle SIGNAL CODE     "ready"; on the signal "got SIGNAME" and exits with CODE
//   mark SIGNAL...         "ready"; on each of these signals "got SIGNAME", and goes on for ever
//   report                 facts about itself, a line key=value each, then "end"; to FD, or to stdout without --ack
//   fork MODE... [-- MODE...]
//                          "forked PID"; the first mode runs in a child, whose lines start with "child "; the mode
//                          behind the last "--" in the process itself, which exits with 0 when there is none
//   stop [MODE...]         "stopping", SIGSTOP to itself; when continued "continued", then the mode (default: sleep)
//   thread                 the main thread exits, another lives: "main exited", then waits for ever
//   read [MODE...]         "ready", reads stdin to its end, "eof COUNT", then the mode (default: exit 0)
//   read-some COUNT [MODE...]
//                          "ready", reads so many bytes of stdin, "read COUNT", then the mode (default: sleep)
//   digest [MODE...]       as read, with "digest COUNT NUMBER" at the end (digest.h)
//   close-stdin [MODE...]  closes stdin, "closed", then the mode (default: sleep)
//   hold-open              "holding": waits for ever with every descriptor open, and ignores HUP and PIPE
//   write TEXT [MODE...]   writes the text to stdout, then the mode (default: exit 0)
//   new-group MODE...      moves into a process group of its own, "moved PGRP", then the mode
//   new-session MODE...    starts a session, "moved PGRP", then the mode
//   join-group PID [MODE...]
//                          moves into the group of that process, "moved PGRP", then the mode (default: sleep)
//   ignore SIGNAL [MODE...]
//                          ignores the signal, then the mode (default: sleep)
//   trace PID              traces that process, "tracing", then waits for ever
//   trace-me SIGNAL        asks its parent to trace it, "traced", then the signal, which stops it, then as sleep
//   chain                  ignores INT and TERM, "ready", then forks for ever: each parent exits, the child goes on.
//                          It ends when nobody reads FD any more
//   new-pids MODE...       as unshare --pid --fork: the mode runs in a child, the first process of a new pid namespace,
//                          whose lines start with "child "; exits as that does, or with 128 and the signal
//   user UID [MODE...]     takes the user id for good, then the mode (default: sleep)
#include "test_child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

int ack_fd = -1;
std::string ack_prefix;

void write_all(int fd, const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, text, size);
    if (written < 0) return;
    text += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace

void ack(const std::string& line) {
  if (ack_fd < 0) return;
  const std::string whole = ack_prefix + line + "\n";
  write_all(ack_fd, whole.data(), whole.size());
}

void ack_signal(int signal) {
  if (ack_fd < 0) return;
  char line[128] = "";
  strncat(line, ack_prefix.c_str(), 64);
  strcat(line, "got SIG");
  const char* name = sigabbrev_np(signal);
  strncat(line, name != nullptr ? name : "RT", 16);
  strcat(line, "\n");
  write_all(ack_fd, line, strlen(line));
}

void ack_as_forked_child() { ack_prefix += "child "; }

int report_descriptor() { return ack_fd >= 0 ? ack_fd : STDOUT_FILENO; }

void usage(const std::string& what) {
  fprintf(stderr, "test_child: %s (test_child.cc says how to use it)\n", what.c_str());
  _exit(99);
}

int main(int argc, char** argv) {
  Arguments arguments(argv + 1, argv + argc);
  const std::string flag = "--ack=";
  if (!arguments.empty() && arguments[0].compare(0, flag.size(), flag) == 0) {
    ack_fd = atoi(arguments[0].c_str() + flag.size());
    arguments.erase(arguments.begin());
  }
  _exit(run_mode(arguments));
}

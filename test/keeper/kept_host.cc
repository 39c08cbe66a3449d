// A program whose children are contained, and which ends in a given way: kept_host END HOST TEST_CHILD --ack=FD
//
// It starts three trees, and writes to FD what they say (test_child.cc), "keeper PID" and "leader PID" for each, and
// "watched"; then it waits for the end of its stdin, and ends. The trees: a leader with a grandchild, both of whom
// ignore INT and TERM, and the grandchild POLL, too; a leader that has ended and left such a grandchild; one without a
// group of its own.
//
// HOST is plain, or says what the process is like: ignores-sigchld, has-thief, or refused-group-signals (as before
// Linux 6.9). END is:
//
//   wait       waits for ever, for a signal to kill it
//   exit, _exit, abort
//   exec       executes a test_child that sleeps: "ready"
//   release    ends the first tree, "release", then as wait
//   copy       a forked copy destroys its copies of the children and aborts, "copy", then as wait
//   let-go     destroys the children, which it has let go, and exits at once
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "test/support/seccomp_filter.h"
#include "test/support/thief.h"
#include "warden/child.h"
#include "warden/command.h"

// The program ends with unjoined threads on purpose; ThreadSanitizer would make an exit code of that.
extern "C" const char* __tsan_default_options() { return "report_thread_leaks=0"; }

namespace {

std::string test_child, ack_flag;
int ack_fd = -1;
// Never destroyed, not even by exit(), and reachable for the leak checker.
std::vector<warden::Child>* children = nullptr;
warden::test_support::Thief* thief = nullptr;

[[noreturn]] void give_up(const std::string& what) {
  fprintf(stderr, "kept_host: %s (kept_host.cc says how to use it)\n", what.c_str());
  _exit(99);
}

void become(const std::string& kind) {
  if (kind == "ignores-sigchld") signal(SIGCHLD, SIG_IGN);
  if (kind == "has-thief") thief = new warden::test_support::Thief;
  if (kind == "refused-group-signals" &&
      !warden::test_support::refuse_system_calls({warden::test_support::refused_group_signals()})) {
    give_up("no filter");
  }
}

// A shell tells who its parent is, and executes test_child.
warden::Child& start(const std::vector<std::string>& mode, bool group) {
  warden::Command command("/bin/sh");
  command.args({"-c", "echo keeper $PPID >&9; exec \"$@\"", "sh", test_child, "--ack=9"});
  command.args(mode).inherit_fd(ack_fd, 9).group(group).stdin_from(warden::Stdio::pipe());
  children->push_back(warden::Child::spawn(command.containment(warden::Containment::kTree)).value());
  return children->back();
}

void start_children() {
  children = new std::vector<warden::Child>;
  start({"fork", "new-session", "ignore", "POLL", "stubborn", "--", "stubborn"}, true);
  warden::Child& leader =
      start({"read", "fork", "new-session", "ignore", "POLL", "stubborn"}, true);  // lives until the end of its stdin
  leader.close_stdin();
  leader.wait().value();
  start({"stubborn"}, false);
}

// Waits until every write end is closed.
void wait_for_end_of_stdin() {
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

void let_a_copy_abort() {
  const pid_t copy = fork();
  if (copy == 0) {
    delete children;
    abort();
  }
  int status = 0;
  if (waitpid(copy, &status, 0) != copy || !WIFSIGNALED(status)) give_up("the copy lives");
}

[[noreturn]] void execute() {
  const char* const arguments[] = {test_child.c_str(), ack_flag.c_str(), "sleep", nullptr};
  execv(arguments[0], const_cast<char* const*>(arguments));
  give_up("no exec");
}

[[noreturn]] void end(const std::string& how) {
  if (how == "exit") exit(0);
  if (how == "_exit") _exit(0);
  if (how == "abort") abort();
  if (how == "exec") execute();
  if (how == "copy") let_a_copy_abort();
  if (how == "release") children->front().kill().value();
  if (how == "let-go") {
    for (warden::Child& child : *children) child.detach_on_destruction();
    delete children;
    _exit(0);
  }
  dprintf(ack_fd, "%s\n", how.c_str());
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string flag = "--ack=";
  if (arguments.size() != 4 || arguments[3].compare(0, flag.size(), flag) != 0) give_up("arguments are missing");
  test_child = arguments[2];
  ack_flag = arguments[3];
  ack_fd = atoi(ack_flag.c_str() + flag.size());
  become(arguments[1]);
  start_children();
  for (const warden::Child& child : *children) dprintf(ack_fd, "leader %d\n", child.pid());
  dprintf(ack_fd, "watched\n");
  wait_for_end_of_stdin();
  end(arguments[0]);
}

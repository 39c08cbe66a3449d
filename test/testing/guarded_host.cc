// A program whose children are guarded, and which ends in a given way: guarded_host END HOST TEST_CHILD --ack=FD
//
// It starts a guard and children, writes "guard PID" to FD, what the children say (test_child.cc), and "watched"; then
// it waits for the end of its stdin, and ends. The children: a leader with a grandchild, both of whom ignore INT and
// TERM, and the grandchild POLL, too; a leader that has ended and left such a grandchild in its group; one that leads
// no group.
//
// HOST is plain, or says what the process is like: ignores-sigchld, has-thief, or refused-group-signals (as before
// Linux 6.9). END is:
//
//   wait       waits for ever, for a signal to kill it
//   exit, _exit, abort
//   stop       ends the guard, "stop", then as wait
//   exec       executes a test_child that sleeps: "ready"
//   release    ends the first leader with its group, "release", then as wait
//   copy       a forked copy destroys its copy of the guard and aborts, "copy", then as wait
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/testing/guard.h"
#include "test/support/seccomp_filter.h"
#include "test/support/thief.h"
#include "warden/child.h"
#include "warden/command.h"

// The program ends with unjoined threads on purpose; ThreadSanitizer would make an exit code of that.
extern "C" const char* __tsan_default_options() { return "report_thread_leaks=0"; }

namespace {

using warden::testing::internal::Guard;

std::string test_child, ack_flag;
int ack_fd = -1;
// Never destroyed, not even by exit(), and reachable for the leak checker.
Guard* guard = nullptr;
std::vector<warden::Child>* children = nullptr;
warden::test_support::Thief* thief = nullptr;

[[noreturn]] void give_up(const std::string& what) {
  fprintf(stderr, "guarded_host: %s (guarded_host.cc says how to use it)\n", what.c_str());
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

warden::Child& start(const std::vector<std::string>& mode, bool group) {
  warden::Command command(test_child);
  command.arg(ack_flag).args(mode).inherit_fd(ack_fd).group(group).stdin_from(warden::Stdio::pipe());
  children->push_back(warden::Child::spawn(command).value());
  if (const std::error_code error = guard->watch(children->back())) give_up("watch: " + error.message());
  return children->back();
}

void start_children() {
  children = new std::vector<warden::Child>;
  start({"fork", "ignore", "POLL", "stubborn", "--", "stubborn"}, true);
  warden::Child& leader =
      start({"read", "fork", "ignore", "POLL", "stubborn"}, true);  // lives until the end of its stdin
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
    delete guard;
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
  if (how == "stop") delete guard;
  if (how == "release") children->front().kill().value();
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
  guard = std::move(Guard::start()).value().release();
  dprintf(ack_fd, "guard %d\n", guard->pid());
  start_children();
  for (const warden::Child& child : *children) dprintf(ack_fd, "leader %d\n", child.pid());
  dprintf(ack_fd, "watched\n");
  wait_for_end_of_stdin();
  end(arguments[0]);
}

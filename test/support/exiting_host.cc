// A program with one child that ends in a given way: exiting_host KEEP END PROGRAM ARGUMENT...
//
// It writes "forked PID", the child's number, to the descriptor of the --ack=FD that is the child's first argument,
// waits for the end of its stdin, and ends. KEEP says what becomes of the handle:
//
//   static     a static object
//   detached   the same, after detach_on_destruction()
//   policy     the same, after terminate_on_destruction(SIGTERM, a minute)
//   waited     the same, after a wait for the child's end
//   leaked     never destroyed
//   in-use     never destroyed, with threads in wait() and terminate() from the first byte of stdin on
//   copied     a static object; a forked copy of the program ends first, in the same way, then the child is detached
//
// END is return, exit, quick_exit, _exit or a thread's exit (thread-exit).
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "warden/child.h"
#include "warden/command.h"
#include "warden/signal.h"
#include "warden/termination_policy.h"

namespace {

std::optional<warden::Child> static_child;
warden::Child* leaked_child = nullptr;  // reachable, for the leak checker

[[noreturn]] void usage(const std::string& what) {
  fprintf(stderr, "exiting_host: %s (exiting_host.cc says how to use it)\n", what.c_str());
  _exit(99);
}

// False at the end of stdin.
bool wait_for_byte() {
  char byte = 0;
  return read(STDIN_FILENO, &byte, 1) > 0;
}

// Sends SIGTERM, which the child acknowledges if it handles it, and waits for ever.
void use_from_threads(warden::Child* child) {
  for (int i = 0; i < 4; ++i) std::thread([child] { child->wait().value(); }).detach();
  std::thread([child] {
    warden::TerminationPolicy policy;
    policy.phases = {{warden::Signal::terminate(), absl::InfiniteDuration()}};
    child->terminate(policy).value();
  }).detach();
}

int end(const std::string& how) {
  if (how == "exit") exit(0);
  if (how == "quick_exit") quick_exit(0);
  if (how == "_exit") _exit(0);
  if (how == "thread-exit") std::thread([] { exit(0); }).join();
  if (how != "return") usage("no end " + how);
  return 0;
}

void keep(const std::string& how, warden::Child child) {
  if (how == "leaked" || how == "in-use") {
    leaked_child = new warden::Child(std::move(child));
    if (how == "in-use" && wait_for_byte()) use_from_threads(leaked_child);
    return;
  }
  static_child = std::move(child);
  if (how == "detached") static_child->detach_on_destruction();
  if (how == "policy") {
    static_child->terminate_on_destruction(warden::TerminationPolicy::service(absl::Minutes(1))).value();
  }
  if (how == "waited") static_child->wait().value();
}

// Ends a forked copy of this program in that way; returns whether it exited with 0.
bool copy_ends(const std::string& how) {
  const pid_t copy = fork();
  if (copy == 0) _exit(end(how));
  int status = -1;
  return waitpid(copy, &status, 0) == copy && status == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string flag = "--ack=";
  if (arguments.size() < 4 || arguments[3].compare(0, flag.size(), flag) != 0) usage("arguments are missing");
  const int ack = atoi(arguments[3].c_str() + flag.size());
  warden::Command command(arguments[2]);
  command.args(std::vector<std::string>(arguments.begin() + 3, arguments.end())).name("kept").inherit_fd(ack);
  command.stdin_from(warden::Stdio::null()).stderr_to(warden::Stdio::null());
  warden::Child child = warden::Child::spawn(command).value();
  dprintf(ack, "forked %d\n", child.pid());
  keep(arguments[0], std::move(child));
  while (wait_for_byte()) {
  }
  if (arguments[0] == "copied") {
    if (!copy_ends(arguments[1])) usage("the copy has not ended well");
    static_child->detach_on_destruction();
  }
  return end(arguments[1]);
}

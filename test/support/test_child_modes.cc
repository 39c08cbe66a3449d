// The modes of test_child, a function each; test_child.cc describes them.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "test_child.h"

namespace {

int number_argument(const Arguments& arguments, size_t index) {
  if (index >= arguments.size()) usage("a number is missing");
  return atoi(arguments[index].c_str());
}

int signal_argument(const std::string& text) {
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* name = sigabbrev_np(signal);
    if (name != nullptr && text == name) return signal;
  }
  const int number = atoi(text.c_str());
  if (number < 1) usage("no signal " + text);
  return number;
}

int signal_argument(const Arguments& arguments, size_t index) {
  if (index >= arguments.size()) usage("a signal is missing");
  return signal_argument(arguments[index]);
}

// Runs the mode from this argument on, or else the default one.
int run_rest(const Arguments& arguments, size_t from, const Arguments& otherwise) {
  if (from >= arguments.size()) return run_mode(otherwise);
  return run_mode(Arguments(arguments.begin() + static_cast<std::ptrdiff_t>(from), arguments.end()));
}

// ThreadSanitizer's runtime delays handlers until an intercepted call, and may miss the call that follows: under it the
// handled signals wait for wait_for_ever().
#ifdef __SANITIZE_THREAD__
sigset_t handled_signals;
bool handled_any = false;
void (*signal_handlers[NSIG])(int);

[[noreturn]] void wait_for_ever() {
  while (handled_any) {
    const int signal = sigtimedwait(&handled_signals, nullptr, nullptr);
    if (signal > 0) signal_handlers[signal](signal);
  }
  for (;;) pause();
}

void handle_signal(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
  if (handler == SIG_DFL || handler == SIG_IGN) return;
  handled_any = true;
  signal_handlers[signal] = handler;
  sigaddset(&handled_signals, signal);
  sigprocmask(SIG_BLOCK, &handled_signals, nullptr);
}
#else
[[noreturn]] void wait_for_ever() {
  for (;;) pause();
}

void handle_signal(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}
#endif

int exit_mode(const Arguments& arguments) { return number_argument(arguments, 0); }

int die_mode(const Arguments& arguments) {
  const int signal = signal_argument(arguments, 0);
  handle_signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  kill(getpid(), signal);
  usage("it did not kill");
}

int sleep_mode(const Arguments&) {
  ack("ready");
  wait_for_ever();
}

int stubborn_mode(const Arguments& arguments) {
  handle_signal(SIGINT, SIG_IGN);
  handle_signal(SIGTERM, SIG_IGN);
  return sleep_mode(arguments);
}

int handled_exit_code = 0;

void on_handled(int signal) {
  ack_signal(signal);
  _exit(handled_exit_code);
}

int handle_mode(const Arguments& arguments) {
  handled_exit_code = number_argument(arguments, 1);
  handle_signal(signal_argument(arguments, 0), on_handled);
  return sleep_mode(arguments);
}

void on_marked(int signal) {
  const int before = errno;
  ack_signal(signal);
  errno = before;
}

int mark_mode(const Arguments& arguments) {
  for (const std::string& name : arguments) handle_signal(signal_argument(name), on_marked);
  return sleep_mode(arguments);
}

int fork_mode(const Arguments& arguments) {
  const auto last = std::find(arguments.rbegin(), arguments.rend(), "--");
  const auto split = last == arguments.rend() ? arguments.end() : last.base() - 1;
  int said[2];  // its end of file lets the child go on after "forked" is written
  if (pipe2(said, O_CLOEXEC) != 0) usage("no pipe");
  const pid_t child = fork();
  if (child < 0) usage("fork failed");
  if (child == 0) {
    close(said[1]);
    char end;
    while (read(said[0], &end, 1) < 0 && errno == EINTR) {
    }
    close(said[0]);
    ack_as_forked_child();
    _exit(run_mode(Arguments(arguments.begin(), split)));
  }
  ack("forked " + std::to_string(child));
  close(said[0]);
  close(said[1]);
  if (split == arguments.end()) return 0;
  return run_mode(Arguments(split + 1, arguments.end()));
}

int stop_mode(const Arguments& arguments) {
  ack("stopping");
  raise(SIGSTOP);
  ack("continued");
  return run_rest(arguments, 0, {"sleep"});
}

// 'R', 'S', 'Z': proc(5).
char state_of_main_thread() {
  char state = '?';
  if (FILE* file = fopen("/proc/self/stat", "re")) {
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = '?';
    fclose(file);
  }
  return state;
}

void* outlive_main_thread(void*) {
  while (state_of_main_thread() != 'Z') sched_yield();
  ack("main exited");
  wait_for_ever();
}

int thread_mode(const Arguments&) {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, outlive_main_thread, nullptr) != 0) usage("no thread");
  pthread_exit(nullptr);
}

int hold_open_mode(const Arguments&) {
  handle_signal(SIGHUP, SIG_IGN);
  handle_signal(SIGPIPE, SIG_IGN);
  ack("holding");
  wait_for_ever();
}

int write_mode(const Arguments& arguments) {
  if (arguments.empty()) usage("a text is missing");
  if (write(STDOUT_FILENO, arguments[0].data(), arguments[0].size()) < 0) usage("write failed");
  return run_rest(arguments, 1, {"exit", "0"});
}

int new_group_mode(const Arguments& arguments) {
  if (setpgid(0, 0) != 0) usage("setpgid failed");
  ack("moved " + std::to_string(getpgrp()));
  return run_mode(arguments);
}

int new_session_mode(const Arguments& arguments) {
  if (setsid() < 0) usage("setsid failed");
  ack("moved " + std::to_string(getpgrp()));
  return run_mode(arguments);
}

int join_group_mode(const Arguments& arguments) {
  if (setpgid(0, getpgid(number_argument(arguments, 0))) != 0) usage("setpgid failed");
  ack("moved " + std::to_string(getpgrp()));
  return run_rest(arguments, 1, {"sleep"});
}

// Whether every read end of the acknowledgements is closed.
bool is_forsaken() {
  pollfd polled = {report_descriptor(), 0, 0};
  return poll(&polled, 1, 0) == 1;
}

int chain_mode(const Arguments&) {
  handle_signal(SIGINT, SIG_IGN);
  handle_signal(SIGTERM, SIG_IGN);
  ack("ready");
  while (!is_forsaken()) {
    if (fork() > 0) _exit(0);
  }
  return 0;
}

int ignore_mode(const Arguments& arguments) {
  handle_signal(signal_argument(arguments, 0), SIG_IGN);
  return run_rest(arguments, 1, {"sleep"});
}

int trace_mode(const Arguments& arguments) {
  if (ptrace(PTRACE_SEIZE, number_argument(arguments, 0), 0, 0) != 0) usage("ptrace failed");
  ack("tracing");
  wait_for_ever();
}

int trace_me_mode(const Arguments& arguments) {
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) usage("ptrace failed");
  ack("traced");
  raise(signal_argument(arguments, 0));
  wait_for_ever();
}

// A child in a session of its own traces this process, and never lets it through its exit (ptrace(2),
// PTRACE_O_TRACEEXIT).
int held_mode(const Arguments&) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  const pid_t parent = getpid();
  if (fork() == 0) {
    setsid();
    if (ptrace(PTRACE_SEIZE, parent, 0, PTRACE_O_TRACEEXIT) != 0) usage("ptrace failed");
    ack("holds");
  }
  wait_for_ever();
}

int user_mode(const Arguments& arguments) {
  const auto user = static_cast<uid_t>(number_argument(arguments, 0));
  if (setresuid(user, user, user) != 0) usage("setresuid failed");
  return run_rest(arguments, 1, {"sleep"});
}

struct Mode {
  const char* name;
  int (*run)(const Arguments& arguments);
};

constexpr Mode kModes[] = {
    {"exit", exit_mode},
    {"die", die_mode},
    {"sleep", sleep_mode},
    {"stubborn", stubborn_mode},
    {"handle", handle_mode},
    {"mark", mark_mode},
    {"report", report_mode},
    {"fork", fork_mode},
    {"stop", stop_mode},
    {"thread", thread_mode},
    {"read", read_mode},
    {"read-some", read_some_mode},
    {"digest", digest_mode},
    {"close-stdin", close_stdin_mode},
    {"hold-open", hold_open_mode},
    {"write", write_mode},
    {"new-group", new_group_mode},
    {"new-session", new_session_mode},
    {"join-group", join_group_mode},
    {"ignore", ignore_mode},
    {"trace", trace_mode},
    {"trace-me", trace_me_mode},
    {"held", held_mode},
    {"chain", chain_mode},
    {"new-pids", new_pids_mode},
    {"user", user_mode},
};

}  // namespace

int run_mode(const Arguments& arguments) {
  if (arguments.empty()) usage("no mode");
  for (const Mode& mode : kModes) {
    if (arguments[0] == mode.name) return mode.run(Arguments(arguments.begin() + 1, arguments.end()));
  }
  usage("no mode " + arguments[0]);
}

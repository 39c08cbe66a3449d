#include "lib/tool/job_control.h"

#include <signal.h>
#include <sys/wait.h>

#include "lib/tool/terminal.h"

namespace warden::tool {
namespace {

// The signal that has stopped the child since the last look; 0 when none has.
int stop_signal_of(const Child& child) {
  siginfo_t info = {};
  if (::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED | WNOHANG) != 0) return 0;
  // A tracing stop (CLD_TRAPPED) is no job control.
  return info.si_pid != 0 && info.si_code == CLD_STOPPED ? info.si_status : 0;
}

sigset_t set_of(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

// Stops the tool's group as Ctrl-Z would have done. Returns when the group has been continued. False when it was not
// stopped: it is an orphaned process group, which nothing could continue (setpgid(2)), or it ignores the signal.
bool stop_own_group() {
  const sigset_t stop = set_of(SIGTSTP);
  const sigset_t go_on = set_of(SIGCONT);
  const timespec no_time = {0, 0};
  ::kill(0, SIGTSTP);
  // No other thread takes the signal, so the whole process is stopped and continued before this thread passes this
  // line.
  pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return ::sigtimedwait(&go_on, nullptr, &no_time) == SIGCONT;
}

}  // namespace

bool JobControl::concerns(int signal) { return signal == SIGCHLD || signal == SIGTSTP || signal == SIGCONT; }

void JobControl::handle(int signal) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (signal == SIGTSTP) static_cast<void>(child_.send_signal(Signal::from_number(SIGTSTP).value()));
  if (signal == SIGCONT) resume();
  if (signal != SIGCHLD) return;
  const int stopped_by = stop_signal_of(child_);
  // SIGSTOP does not come from a terminal: its sender meant the program alone.
  if (stopped_by == SIGTSTP || stopped_by == SIGTTIN || stopped_by == SIGTTOU) suspend(stopped_by);
}

void JobControl::end() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (lent_) take_terminal_back();
  lent_ = false;
  has_ended_ = true;
}

void JobControl::suspend(int signal) {
  if (lent_) take_terminal_back();
  lent_ = false;
  // Where the tool cannot stop, Ctrl-Z has no effect on the program either. But a program that reads the terminal from
  // the background must stay stopped: continued, it would only be stopped again and again.
  if (stop_own_group() || signal == SIGTSTP) resume();
}

void JobControl::resume() {
  if (!has_ended_ && owns_terminal()) {
    lend_terminal(child_.pid());
    lent_ = true;
  }
  static_cast<void>(child_.send_signal(Signal::continue_process()));
}

}  // namespace warden::tool

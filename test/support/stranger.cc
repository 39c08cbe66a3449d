#include "test/support/stranger.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/support/pid_namespace.h"
#include "test/support/send_signal.h"

namespace warden::test_support {
namespace {

constexpr unsigned char kReady = 0;

[[noreturn]] void tell_of_signals(int write_fd, bool leads_group) {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (leads_group) ::setpgid(0, 0);
  for (unsigned char signal = kReady;; signal = static_cast<unsigned char>(::sigwaitinfo(&all, nullptr))) {
    if (::write(write_fd, &signal, 1) != 1) ::_exit(1);
  }
}

// Reads the next signal number from the pipe; SIGKILL at its end.
int read_signal(int fd) {
  pollfd polled = {fd, POLLIN, 0};
  unsigned char signal = 0;
  if (::poll(&polled, 1, 60'000) != 1) {
    ADD_FAILURE() << "the stranger says nothing";
    return SIGKILL;
  }
  return ::read(fd, &signal, 1) == 1 ? signal : SIGKILL;
}

}  // namespace

Stranger::Stranger(int number, bool leads_group) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_TRUE(choose_next_pid(number));
  pid_ = ::fork();
  if (pid_ == 0) tell_of_signals(ends[1], leads_group);
  ::close(ends[1]);
  read_fd_ = ends[0];
  EXPECT_EQ(read_signal(read_fd_), kReady);
}

Stranger::~Stranger() {
  send_signal_by_number(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(read_fd_);
}

std::vector<int> Stranger::signals() const {
  std::vector<int> signals;
  send_signal_by_number(pid_, SIGRTMAX);  // the kernel delivers lower numbers first
  for (;;) {
    const int signal = read_signal(read_fd_);
    if (signal == SIGRTMAX) return signals;
    signals.push_back(signal);
    if (signal == SIGKILL) return signals;
  }
}

}  // namespace warden::test_support

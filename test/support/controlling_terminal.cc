#include "test/support/controlling_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"

namespace warden::test_support {
namespace {

constexpr int kBoundSeconds = 60;

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

int open_terminal_master() {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  EXPECT_GE(master, 0) << "posix_openpt: errno " << errno;
  EXPECT_EQ(::grantpt(master), 0);
  EXPECT_EQ(::unlockpt(master), 0);
  return master;
}

int open_terminal_slave(int master, bool stop_background_output) {
  char name[64] = "";
  EXPECT_EQ(::ptsname_r(master, name, sizeof name), 0);
  const int slave = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  EXPECT_GE(slave, 0) << name << ": errno " << errno;
  termios settings = {};
  EXPECT_EQ(::tcgetattr(slave, &settings), 0);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  if (stop_background_output) settings.c_lflag |= TOSTOP;
  EXPECT_EQ(::tcsetattr(slave, TCSANOW, &settings), 0);
  return slave;
}

ControllingTerminal::ControllingTerminal() : master_(open_terminal_master()), slave_(open_terminal_slave(master_)) {
  const sigset_t blocked = set_of({SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU});
  EXPECT_EQ(pthread_sigmask(SIG_BLOCK, &blocked, nullptr), 0);
  EXPECT_GT(::setsid(), 0) << "errno " << errno;
  EXPECT_EQ(::ioctl(slave_, TIOCSCTTY, 0), 0) << "errno " << errno;
  EXPECT_EQ(foreground_group(), ::getpgrp());
}

ControllingTerminal::~ControllingTerminal() {
  ::close(slave_);
  ::close(master_);  // the kernel sends SIGHUP to the session's leader
}

void ControllingTerminal::stop_background_output(bool stop) const {
  termios settings = {};
  EXPECT_EQ(::tcgetattr(slave_, &settings), 0);
  settings.c_lflag &= ~static_cast<tcflag_t>(TOSTOP);
  if (stop) settings.c_lflag |= TOSTOP;
  EXPECT_EQ(::tcsetattr(slave_, TCSANOW, &settings), 0);
}

void ControllingTerminal::type(const std::string& keys) const {
  EXPECT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

std::string ControllingTerminal::wait_output(std::size_t size) const {
  std::string text;
  while (text.size() < size) {
    pollfd polled = {master_, POLLIN, 0};
    char buffer[256];
    if (::poll(&polled, 1, kBoundSeconds * 1000) != 1) break;
    const ssize_t count = ::read(master_, buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

int ControllingTerminal::foreground_group() const { return ::tcgetpgrp(slave_); }

bool ControllingTerminal::set_foreground_group(int group) const { return ::tcsetpgrp(slave_, group) == 0; }

bool ControllingTerminal::wait_signal(int signal) {
  const sigset_t set = set_of({signal});
  const timespec bound = {kBoundSeconds, 0};
  int taken = -1;
  do {
    taken = ::sigtimedwait(&set, nullptr, &bound);
  } while (taken < 0 && errno == EINTR);
  return taken == signal;
}

bool ControllingTerminal::is_pending(int signal) {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

void run_on_terminal(const std::function<void(const ControllingTerminal&)>& body) {
  const int trial = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (trial < 0) GTEST_SKIP() << "no pseudo-terminal can be opened here (is there no devpts?): errno " << errno;
  ::close(trial);
  run_isolated_unchecked([&body] {
    ::signal(SIGHUP, SIG_IGN);  // comes at the end of the terminal
    const ControllingTerminal terminal;
    check_leaves_nothing([&] { body(terminal); });
    EXPECT_EQ(terminal.foreground_group(), ::getpgrp());
    for (const int signal : {SIGTTIN, SIGTTOU}) EXPECT_FALSE(ControllingTerminal::is_pending(signal));
  });
}

int wait_stop_signal(int pid) {
  if (!wait_stopped(pid)) return -1;
  siginfo_t info = {};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT);
  return info.si_status;
}

}  // namespace warden::test_support

#include "test/tool/terminal_session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "test/support/controlling_terminal.h"
#include "test/support/send_signal.h"

namespace warden::test_support {
namespace {

// The following functions run in the forked processes, up to exec or _exit.

void block_ttou(bool block) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTTOU);
  ::sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

void give_foreground(int slave, pid_t group) {
  block_ttou(true);
  ::tcsetpgrp(slave, group);
  block_ttou(false);
}

void lead_session(int slave) {
  if (::setsid() < 0 || ::ioctl(slave, TIOCSCTTY, 0) != 0) ::_exit(98);
}

[[noreturn]] void be_tool(ToolExec* tool, int slave, ToolPlace place) {
  if (place == ToolPlace::kSession) {
    lead_session(slave);
  } else {
    ::setpgid(0, 0);
  }
  if (place == ToolPlace::kForeground) give_foreground(slave, ::getpgrp());
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(slave, stream);
  tool->exec();
  ::_exit(99);
}

void tell(int news, const char* word, int number) {
  char line[64];
  const int size = ::snprintf(line, sizeof line, "%s %d\n", word, number);
  if (::write(news, line, static_cast<std::size_t>(size)) != size) ::_exit(97);
}

// Reads the next command; 0 at the end of the session.
char wait_command(int commands) {
  char command = 0;
  ssize_t got = 0;
  while ((got = ::read(commands, &command, 1)) < 0 && errno == EINTR) {
  }
  return got == 1 ? command : 0;
}

[[noreturn]] void be_shell(ToolExec* tool, int slave, ToolPlace place, int news, int commands) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (place != ToolPlace::kSession) lead_session(slave);
  const pid_t pid = ::fork();
  if (pid == 0) be_tool(tool, slave, place);
  tell(news, "started", pid);
  for (;;) {
    int status = 0;
    if (::waitpid(pid, &status, WUNTRACED) != pid) ::_exit(96);
    if (WIFEXITED(status)) tell(news, "exited", WEXITSTATUS(status));
    if (WIFSIGNALED(status)) tell(news, "killed", WTERMSIG(status));
    if (!WIFSTOPPED(status)) break;
    tell(news, "stopped", WSTOPSIG(status));
    char command = 0;
    do {
      command = wait_command(commands);
      if (command == 0) ::_exit(0);
      give_foreground(slave, command == 'f' ? pid : ::getpgrp());
      ::kill(-pid, SIGCONT);
    } while (command == 'n');
  }
  while (wait_command(commands) != 0) {
  }
  ::_exit(0);
}

}  // namespace

TerminalSession::TerminalSession(const ToolOptions& options, ToolPlace place, bool stop_background_output) {
  ToolExec tool(options);
  output_ = std::make_unique<LineReader>(open_terminal_master());
  const int slave = open_terminal_slave(output_->fd(), stop_background_output);
  int news[2] = {-1, -1};
  int commands[2] = {-1, -1};
  EXPECT_EQ(::pipe2(news, O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(commands, O_CLOEXEC), 0);
  shell_pid_ = ::fork();
  if (shell_pid_ == 0) {
    ::close(commands[1]);
    be_shell(&tool, slave, place, news[1], commands[0]);
  }
  EXPECT_GT(shell_pid_, 0) << "fork: errno " << errno;
  news_ = std::make_unique<LineReader>(news[0]);
  commands_ = commands[1];
  for (const int fd : {slave, news[1], commands[0]}) ::close(fd);
  const std::string started = news_->wait_line();
  if (::sscanf(started.c_str(), "started %d", &tool_pid_) != 1) ADD_FAILURE() << started;
}

TerminalSession::~TerminalSession() {
  if (!tool_ended_ && tool_pid_ > 1) send_signal_by_number(tool_pid_, SIGKILL);
  ::close(commands_);
  if (shell_pid_ > 1) ::waitpid(shell_pid_, nullptr, 0);
}

void TerminalSession::type(const std::string& keys) {
  EXPECT_EQ(::write(output_->fd(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

int TerminalSession::foreground_group() const { return ::tcgetpgrp(output_->fd()); }

void TerminalSession::tell_shell(char command) { EXPECT_EQ(::write(commands_, &command, 1), 1); }

std::string TerminalSession::wait_end() {
  const std::string news = news_->wait_line();
  tool_ended_ = news.rfind("exited ", 0) == 0 || news.rfind("killed ", 0) == 0;
  return news;
}

}  // namespace warden::test_support

// The modes of test_child on which other tests rely, by plain fork and exec.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/send_signal.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

pid_t start(AckPipe& ack, std::vector<std::string> arguments) {
  const std::string path = test_child_path();
  arguments.insert(arguments.begin(), {path, ack.flag()});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int write_fd = ack.write_fd();
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::dup2(write_fd, 9);
    ::dup2(9, write_fd);  // without close-on-exec
    ::close(9);
    ::execv(path.c_str(), argv.data());
    ::_exit(97);
  }
  ack.close_write();
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST(TestChild, ExitsWithItsCode) {
  AckPipe ack;
  EXPECT_EQ(WEXITSTATUS(wait_for(start(ack, {"exit", "7"}))), 7);
}

TEST(TestChild, DiesByItsSignal) {
  AckPipe ack;
  EXPECT_EQ(WTERMSIG(wait_for(start(ack, {"die", "TERM"}))), SIGTERM);
}

TEST(TestChild, SaysWhichSignalItHandled) {
  AckPipe ack;
  const pid_t child = start(ack, {"handle", "USR1", "3"});
  EXPECT_EQ(ack.wait_line(), "ready");
  ::kill(child, SIGUSR1);
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 3);
}

TEST(TestChild, GoesOnAfterAMarkedSignal) {
  AckPipe ack;
  const pid_t child = start(ack, {"mark", "INT", "TERM"});
  EXPECT_EQ(ack.wait_line(), "ready");
  ::kill(child, SIGINT);
  EXPECT_EQ(ack.wait_line(), "got SIGINT");
  ::kill(child, SIGTERM);
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  ::kill(child, SIGKILL);
  EXPECT_EQ(WTERMSIG(wait_for(child)), SIGKILL);
}

TEST(TestChild, StubbornIgnoresInterruptAndTerminate) {
  AckPipe ack;
  const pid_t child = start(ack, {"stubborn"});
  EXPECT_EQ(ack.wait_line(), "ready");
  ::kill(child, SIGINT);
  ::kill(child, SIGTERM);
  ::kill(child, SIGUSR1);  // the first signal that it does not ignore
  EXPECT_EQ(WTERMSIG(wait_for(child)), SIGUSR1);
}

TEST(TestChild, ForksAGrandchildAndGoesOn) {
  AckPipe ack;
  const pid_t child = start(ack, {"fork", "sleep", "--", "exit", "4"});
  EXPECT_EQ(ack.wait_line().substr(0, 7), "forked ");
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 4);
  EXPECT_EQ(ack.wait_line(), "child ready");
  EXPECT_TRUE(send_signal_by_number(-child, SIGKILL));  // the grandchild keeps the number of the group
  EXPECT_TRUE(ack.wait_eof());
}

TEST(TestChild, StopsAndIsContinued) {
  AckPipe ack;
  const pid_t child = start(ack, {"stop", "exit", "5"});
  EXPECT_EQ(ack.wait_line(), "stopping");
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, WUNTRACED), child);
  EXPECT_TRUE(WIFSTOPPED(status));
  ::kill(child, SIGCONT);
  EXPECT_EQ(ack.wait_line(), "continued");
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 5);
}

TEST(TestChild, LivesOnInAnotherThread) {
  AckPipe ack;
  const pid_t child = start(ack, {"thread"});
  EXPECT_EQ(ack.wait_line(), "main exited");
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0);
  ::kill(child, SIGKILL);
  EXPECT_EQ(WTERMSIG(wait_for(child)), SIGKILL);
}

TEST(TestChild, ReportsItself) {
  AckPipe ack;
  const pid_t child = start(ack, {"report", "an argument\nof two lines"});
  auto report = ack.read_report();
  EXPECT_EQ(report["pid"], std::to_string(child));
  EXPECT_EQ(report["pgrp"], std::to_string(child));
  EXPECT_EQ(report["ppid"], std::to_string(::getpid()));
  EXPECT_EQ(report["argv.3"], "an argument\\nof two lines");
  EXPECT_EQ(report.count("fd.0"), 1u);
  EXPECT_EQ(report.count("SigIgn"), 1u);
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 0);
}

}  // namespace
}  // namespace warden::test_support

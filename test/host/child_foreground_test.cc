// A host on a terminal: which of its children the keys reach, and how the host hands the terminal to a child and takes
// it back.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/controlling_terminal.h"
#include "test/support/pid_namespace.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const char* const kCtrlC = "\x03";
const char* const kCtrlZ = "\x1a";
const char* const kCtrlD = "\x04";

// Returns the lines until every write end of the pipe is closed.
std::vector<std::string> rest_of(AckPipe& ack) {
  ack.close_write();
  std::vector<std::string> lines;
  for (std::string line = ack.wait_line(); !line.empty() && line != "(timeout)"; line = ack.wait_line()) {
    lines.push_back(line);
  }
  return lines;
}

TEST(CtrlC, ReachesTheHostAndNotAChildInAGroupOrSessionOfItsOwn) {
  for (const bool session : {false, true}) {
    run_on_terminal([session](const ControllingTerminal& terminal) {
      AckPipe ack;
      Child child = Child::spawn(test_command(ack, {"mark", "INT"}).new_session(session)).value();
      EXPECT_TRUE(ack.wait_for("ready"));
      terminal.type(kCtrlC);
      EXPECT_TRUE(ControllingTerminal::wait_signal(SIGINT));
      EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value().signal(), Signal::terminate());
      EXPECT_THAT(rest_of(ack), IsEmpty());
    });
  }
}

TEST(CtrlC, ReachesTheHostAndAChildInItsGroup) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"handle", "INT", "6"}).group(false)).value();
    EXPECT_TRUE(ack.wait_for("ready"));
    terminal.type(kCtrlC);
    EXPECT_TRUE(ControllingTerminal::wait_signal(SIGINT));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    EXPECT_THAT(rest_of(ack), ElementsAre("got SIGINT"));
  });
}

Command foreground_command(const AckPipe& ack, const ControllingTerminal& terminal,
                           const std::vector<std::string>& mode) {
  return test_command(ack, mode).stdin_from(Stdio::fd(terminal.fd())).foreground(true);
}

TEST(CtrlC, ReachesTheForegroundChildAloneAndItsStatusSaysSo) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(foreground_command(ack, terminal, {"sleep"})).value();
    EXPECT_EQ(terminal.foreground_group(), child.pid());
    EXPECT_TRUE(ack.wait_for("ready"));
    terminal.type(kCtrlC);
    EXPECT_EQ(child.wait().value().signal(), Signal::interrupt());
    EXPECT_FALSE(ControllingTerminal::is_pending(SIGINT));
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
    // The terminal is the host's again.
    terminal.type(kCtrlC);
    EXPECT_TRUE(ControllingTerminal::wait_signal(SIGINT));
  });
}

TEST(AForegroundChild, ReadsAndWritesTheTerminal) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    terminal.stop_background_output(true);
    AckPipe ack;
    Command command = foreground_command(ack, terminal, {"write", "text", "read", "exit", "5"});
    Child child = Child::spawn(command.stdout_to(Stdio::fd(terminal.fd()))).value();
    EXPECT_EQ(terminal.wait_output(4), "text");
    EXPECT_TRUE(ack.wait_for("ready"));
    terminal.type("line\n");
    terminal.type(kCtrlD);
    EXPECT_TRUE(ack.wait_for("eof 5"));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
  });
}

TEST(AForegroundChild, IsTerminatedAndTheTerminalTakenBack) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(foreground_command(ack, terminal, {"fork", "stubborn", "--", "sleep"})).value();
    wait_forked(ack, {"ready", "child ready"});
    const auto ended = child.terminate(TerminationPolicy::service(absl::Milliseconds(50)));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_THAT(rest_of(ack), IsEmpty());
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
  });
}

TEST(AForegroundChild, ThatCannotBeStartedLeavesTheTerminalToWhoHadIt) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    Command missing("/no/such/program");
    missing.stdin_from(Stdio::fd(terminal.fd())).foreground(true);
    const auto failed = Child::spawn(missing);
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().step, SpawnError::Step::kExec);
    EXPECT_EQ(terminal.foreground_group(), ::getpgrp());
    const auto also_failed = Child::spawn(missing.die_with_parent(true));
    EXPECT_FALSE(also_failed.has_value());
    EXPECT_EQ(terminal.foreground_group(), ::getpgrp());
  });
}

// In a container process 1 is the host, whose group has the number 1, too.
TEST(AForegroundChild, ThatCannotBeStartedLeavesTheTerminalToProcessOne) {
  const std::string why_not = why_no_pid_namespace();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  const int trial = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (trial < 0) GTEST_SKIP() << "no pseudo-terminal can be opened here (is there no devpts?): errno " << errno;
  ::close(trial);
  run_in_pid_namespace_unchecked([] {
    ::signal(SIGHUP, SIG_IGN);  // comes at the end of the terminal
    const ControllingTerminal terminal;
    ASSERT_EQ(terminal.foreground_group(), 1);
    for (const bool on_reaper : {false, true}) {
      Command missing("/no/such/program");
      missing.stdin_from(Stdio::fd(terminal.fd())).foreground(true).die_with_parent(on_reaper);
      const auto failed = Child::spawn(missing);
      ASSERT_FALSE(failed.has_value());
      EXPECT_EQ(failed.error().step, SpawnError::Step::kExec);
      EXPECT_EQ(terminal.foreground_group(), 1);
    }
  });
}

TEST(CtrlZ, StopsTheForegroundChildAndNotTheHost) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(foreground_command(ack, terminal, {"mark", "CONT"})).value();
    EXPECT_TRUE(ack.wait_for("ready"));
    terminal.type(kCtrlZ);
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTSTP);
    EXPECT_FALSE(ControllingTerminal::is_pending(SIGTSTP));
    expect_running(child);
    EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
    EXPECT_TRUE(ack.wait_for("got SIGCONT"));
    terminal.type(kCtrlZ);
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTSTP);
    const auto ended = child.terminate(TerminationPolicy::service(kBound));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().signal(), Signal::terminate());
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
  });
}

// The host does what a shell's "fg" does.
TEST(CtrlZ, LetsTheHostHaveTheTerminalAndGiveItBack) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(foreground_command(ack, terminal, {"read", "exit", "5"})).value();
    EXPECT_TRUE(ack.wait_for("ready"));
    terminal.type(kCtrlZ);
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTSTP);
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
    terminal.type(kCtrlC);
    EXPECT_TRUE(ControllingTerminal::wait_signal(SIGINT));
    EXPECT_TRUE(terminal.set_foreground_group(child.pid()));
    EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
    terminal.type("line\n");
    terminal.type(kCtrlD);
    EXPECT_TRUE(ack.wait_for("eof 5"));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
  });
}

}  // namespace
}  // namespace warden::test_support

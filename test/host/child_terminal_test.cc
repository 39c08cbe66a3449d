// A host on a terminal: which of its children the kernel stops for reading or writing in the background, and that a
// stopped child can be ended.
#include <signal.h>

#include <string>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/controlling_terminal.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

const char* const kCtrlD = "\x04";

Command reader(const AckPipe& ack, const ControllingTerminal& terminal) {
  return test_command(ack, {"read", "exit", "5"}).stdin_from(Stdio::fd(terminal.fd()));
}

// A shell that handles SIGTERM and reads the terminal.
Command reading_shell(const AckPipe& ack, const ControllingTerminal& terminal) {
  Command command("sh");
  command.args({"-c", "trap 'exit 7' TERM; echo ready >&5; read line; exit 8"}).inherit_fd(ack.write_fd(), 5);
  return command.stdin_from(Stdio::fd(terminal.fd()));
}

TEST(ABackgroundReader, IsStoppedAndEndedByTheFirstSignal) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(reader(ack, terminal)).value();
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTTIN);
    expect_running(child);
    const auto ended = child.terminate_with_report(TerminationPolicy::interrupt_first(kBound, kBound));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().status.signal(), Signal::interrupt());
    EXPECT_FALSE(ended.value().forced);
  });
}

TEST(ABackgroundReader, RunsItsHandlerWhenItIsTerminated) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(reading_shell(ack, terminal)).value();
    EXPECT_TRUE(ack.wait_for("ready"));
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTTIN);
    const auto ended = child.terminate(TerminationPolicy::service(kBound));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::exited(7));
  });
}

TEST(ABackgroundReader, IsKilledWhileItIsStopped) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(reader(ack, terminal)).value();
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTTIN);
    EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  });
}

// The kernel stops the whole group even if only one process reads.
TEST(ABackgroundReader, StopsWithItsWholeGroupWhichIsEndedWithIt) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Command command = test_command(ack, {"fork", "sleep", "--", "read"});
    Child child = Child::spawn(command.stdin_from(Stdio::fd(terminal.fd()))).value();
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTTIN);
    const auto ended = child.terminate(TerminationPolicy::service(kBound));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().signal(), Signal::terminate());
    ack.close_write();
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST(ABackgroundChildWithNullForStdin, ReadsTheEndAndIsNeverStopped) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Command command = reader(ack, terminal);
    Child child = Child::spawn(command.stdin_from(Stdio::null())).value();
    EXPECT_TRUE(ack.wait_for("eof 0"));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  });
}

TEST(ABackgroundWriter, WritesWhereTheTerminalDoesNotForbidIt) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    Command command = test_command({"write", "text", "exit", "5"});
    Child child = Child::spawn(command.stdout_to(Stdio::fd(terminal.fd()))).value();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
    EXPECT_EQ(terminal.wait_output(4), "text");
  });
}

TEST(ABackgroundWriter, IsStoppedWhereTheTerminalForbidsItAndEnded) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    terminal.stop_background_output(true);
    Command command = test_command({"write", "text", "exit", "5"});
    Child child = Child::spawn(command.stdout_to(Stdio::fd(terminal.fd()))).value();
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTTOU);
    expect_running(child);
    const auto ended = child.terminate(TerminationPolicy::service(kBound));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().signal(), Signal::terminate());
  });
}

// As programs do that ask for passwords or draw on the screen.
TEST(ABackgroundChildThatChangesTheTerminalsSettings, IsStoppedAndEnded) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    Command command("stty");
    Child child = Child::spawn(command.arg("-icanon").stdin_from(Stdio::fd(terminal.fd()))).value();
    EXPECT_EQ(wait_stop_signal(child.pid()), SIGTTOU);
    const auto ended = child.terminate(TerminationPolicy::service(kBound));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().signal(), Signal::terminate());
  });
}

TEST(AChildInASessionOfItsOwn, HasNoControllingTerminal) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    for (const bool session : {false, true}) {
      Command command("sh");
      command.args({"-c", "(: </dev/tty) 2>/dev/null && exit 3; exit 4"}).stdin_from(Stdio::fd(terminal.fd()));
      Child child = Child::spawn(command.new_session(session)).value();
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(session ? 4 : 3));
    }
  });
}

// The terminal belongs to another session, and the kernel stops no reader outside that session: the first reader gets
// the input.
TEST(AChildInASessionOfItsOwn, IsNotStoppedForReadingTheTerminal) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(reader(ack, terminal).new_session(true)).value();
    EXPECT_TRUE(ack.wait_for("ready"));
    terminal.type("line\n");
    terminal.type(kCtrlD);
    EXPECT_TRUE(ack.wait_for("eof 5"));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
  });
}

}  // namespace
}  // namespace warden::test_support

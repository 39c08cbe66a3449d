// A contained program on a terminal: the keys reach it, and the keeper tells of its stops, since the host is not its
// parent.
#include <signal.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "lib/child/child_access.h"
#include "lib/supervise/supervised.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/controlling_terminal.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

// Waits until the keeper has told that; false after a minute.
bool wait_stopped_by(Child& child, int signal) {
  internal::Supervised& supervised = *internal::ChildAccess::handle(child)->supervised;
  const auto give_up = supervised.sys().now() + absl::ToChronoNanoseconds(kBound);
  internal::Lock lock(supervised);
  for (;;) {
    supervised.tree()->update(lock);
    if (supervised.tree()->stopped_by(lock) == signal) return true;
    if (supervised.sys().now() >= give_up) return false;
    supervised.leader().wait_exit_or_changed(lock, give_up);
  }
}

TEST(ContainedForeground, IsStoppedAndContinuedAndInterruptedByTheKeys) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Command command = test_command(ack, {"handle", "INT", "6"});
    command.stdin_from(Stdio::fd(terminal.fd())).foreground(true).containment(Containment::kTree);
    Child child = Child::spawn(command).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    EXPECT_EQ(terminal.foreground_group(), child.pid());
    terminal.type("\x1a");
    EXPECT_TRUE(wait_stopped_by(child, SIGTSTP)) << "a group whose parent is in the session is not orphaned";
    ASSERT_TRUE(child.send_signal(Signal::continue_process()).has_value());
    EXPECT_TRUE(wait_stopped_by(child, 0));
    terminal.type("\x03");
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    EXPECT_TRUE(terminal.set_foreground_group(::getpgrp()));
  });
}

TEST(ContainedBackground, GetsNoKeys) {
  run_on_terminal([](const ControllingTerminal& terminal) {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"mark", "INT"}).containment(Containment::kTree)).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    terminal.type("\x03");
    EXPECT_TRUE(ControllingTerminal::wait_signal(SIGINT));
    EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value().signal(), Signal::terminate());
    ack.close_write();
    EXPECT_EQ(ack.wait_line(), "");
  });
}

}  // namespace
}  // namespace warden::test_support

// Command::shell: what system(3) and popen(3) would run.
#include <cerrno>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

// The shell's own complaint goes to /dev/null.
ExitStatus status_of(std::string line) {
  Command command = Command::shell(std::move(line));
  command.stdin_from(Stdio::null()).stderr_to(Stdio::null());
  return Child::spawn(command).value().wait().value();
}

TEST(Shell, RunsTheLineAsAShellDoes) {
  EXPECT_EQ(status_of("x=3; exit \"$x\""), ExitStatus::exited(3));
  EXPECT_EQ(status_of("echo warden | grep -q 'war[d]en' && exit 4"), ExitStatus::exited(4));
  EXPECT_EQ(status_of(""), ExitStatus::exited(0));
}

// POSIX shells exit with 2 for an unknown option.
TEST(Shell, TakesALineThatBeginsWithADashForALine) { EXPECT_EQ(status_of("-x"), ExitStatus::exited(127)); }

TEST(Shell, SaysInItsExitCodeThatAProgramCannotBeRun) {
  EXPECT_EQ(status_of("/nonexistent/program"), ExitStatus::exited(127));
  EXPECT_EQ(status_of("/etc/passwd"), ExitStatus::exited(126));
}

TEST(Shell, SaysInItsExitCodeWhatEndedItsProgramAndWithExecItIsTheProgram) {
  const std::string dies = "'" + test_child_path() + "' die TERM";
  EXPECT_EQ(status_of(dies + "; exit $?"), ExitStatus::exited(128 + 15));
  EXPECT_EQ(status_of("exec " + dies), ExitStatus::signaled(Signal::terminate(), false));
}

TEST(Shell, RefusesANul) {
  const SpawnError error = error_of(Command::shell(std::string("exit 0\0; exit 1", 16)));
  EXPECT_EQ(error.step, SpawnError::Step::kValidate);
  EXPECT_EQ(error.code, std::errc::invalid_argument);
  EXPECT_EQ(error.invalid_argument->field, "args[2]");
  EXPECT_EQ(error.invalid_argument->reason, "contains a NUL byte");
}

TEST(Shell, IsNamedWithoutItsLine) {
  Child child = Child::spawn(Command::shell("exit 0 # secret")).value();
  EXPECT_EQ(child.name(), "/bin/sh");
  EXPECT_TRUE(child.wait().value().success());
  EXPECT_EQ(Command::shell("exit 0").name("job").display_name(), "job");
}

TEST(Shell, EndsWithWhatItHasStarted) {
  AckPipe ack;
  const std::string sleeper = "'" + test_child_path() + "' " + ack.flag() + " sleep";
  Command command = Command::shell(sleeper + " & " + sleeper + "; wait");
  Child child = Child::spawn(command.inherit_fd(ack.write_fd())).value();
  ack.close_write();
  EXPECT_EQ(ack.wait_line(), "ready");
  EXPECT_EQ(ack.wait_line(), "ready");
  EXPECT_TRUE(child.terminate(TerminationPolicy::service(kBound)).has_value());
  EXPECT_TRUE(ack.wait_eof());
}

}  // namespace
}  // namespace warden::test_support

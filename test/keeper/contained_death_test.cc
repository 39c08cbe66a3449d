// The host or the keeper is killed at each of its system calls, one after the other: nothing is left of a tree whose
// host has gone, and a host whose keeper has gone never says that all is well where it is not. The program is killed at
// each call of its keeper: that is known for what it is.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/every_setting.h"
#include "test/support/pid_namespace.h"
#include "test/support/process_status.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

enum class Role { kHost, kKeeper, kProgram };

// Whether every write end of the pipe is closed, as it must be when an end has succeeded.
bool has_ended(const AckPipe& ack) {
  pollfd polled = {ack.read_fd(), POLLIN, 0};
  char byte = 0;
  while (::poll(&polled, 1, 0) > 0) {
    if (::read(ack.read_fd(), &byte, 1) == 0) return true;
  }
  return false;
}

// What a host does, and one letter of how it went: 'r' the spawn was refused, 'c' that for the keeper, 'k' all is
// ended, 'l' the keeper was lost, 'e' another error, 'f' it said that all is ended, and that was not so.
char run_host(AckPipe& ack) {
  auto spawned = Child::spawn(
      test_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"}).containment(Containment::kTree));
  ack.close_write();
  if (!spawned) return spawned.error().step == SpawnError::Step::kContain ? 'c' : 'r';
  Child child = std::move(spawned).value();
  // The lines may not all come where the keeper has gone.
  TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(1));
  policy.kill_timeout = kBound;
  const auto ended = child.terminate_with_report(policy);
  child.detach_on_destruction();
  if (ended) return has_ended(ack) ? 'k' : 'f';
  return ended.error().code == Errc::kContainmentLost ? 'l' : 'e';
}

int process_of(int thread) { return std::atoi(process_status(thread, "Tgid").c_str()); }

// Traces a host and all that it starts, and kills the one with that role at its stop with that index, or the program at
// that of the keeper. Its exit detaches the others. Exits with 0 if it has killed, 1 if the host has ended before.
[[noreturn]] void trace(Role role, int index, AckPipe& ack, int said) {
  int go[2];
  if (::pipe(go) != 0) ::_exit(2);
  const pid_t host = ::fork();
  if (host == 0) {
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) ::_exit(2);
    const char result = run_host(ack);
    if (::write(said, &result, 1) != 1) ::_exit(2);
    ::_exit(0);
  }
  ack.close_write();
  ::write(said, &host, sizeof host);
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  if (::ptrace(PTRACE_SEIZE, host, 0, kOptions) != 0) ::_exit(2);
  if (::write(go[1], "", 1) != 1 || ::ptrace(PTRACE_INTERRUPT, host, 0, 0) != 0) ::_exit(2);
  int keeper = -1, program = -1, stops = 0, status = 0;
  for (;;) {
    const pid_t stopped = ::waitpid(-1, &status, __WALL);
    if (stopped < 0) ::_exit(1);
    if (!WIFSTOPPED(status)) {
      if (stopped == host) ::_exit(1);
      if (stopped == program) program = 0;
      continue;
    }
    const int event = status >> 16;
    if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_FORK) {
      unsigned long made = 0;
      ::ptrace(PTRACE_GETEVENTMSG, stopped, 0, &made);
      const int process = process_of(static_cast<int>(made));
      if (keeper < 0 && process != host && process == static_cast<int>(made)) keeper = process;
      if (program < 0 && stopped == keeper) program = process;
    }
    const bool is_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    const int watched = role == Role::kHost ? host : keeper;
    const int killed = role == Role::kProgram ? program : watched;
    if (is_call && stopped == watched && killed > 0 && stops++ == index) {
      ::kill(killed, SIGKILL);
      if (killed != watched) ::waitpid(killed, nullptr, __WALL);  // it is dead when its keeper goes on
      ::_exit(0);
    }
    // A signal is passed on; the stops of ptrace itself are not signals.
    const bool is_own = is_call || event != 0 || WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP;
    ::ptrace(PTRACE_SYSCALL, stopped, 0, is_own ? 0 : WSTOPSIG(status));
  }
}

// One run. False once there are no more calls.
bool kill_at(Role role, int index, std::map<char, int>* results) {
  AckPipe ack;
  int said[2];
  EXPECT_EQ(::pipe(said), 0);
  const pid_t tracer = ::fork();
  if (tracer == 0) trace(role, index, ack, said[1]);
  ack.close_write();
  ::close(said[1]);
  pid_t host = -1;
  EXPECT_EQ(::read(said[0], &host, sizeof host), static_cast<ssize_t>(sizeof host));
  int status = 0;
  EXPECT_EQ(::waitpid(tracer, &status, 0), tracer);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << "the tracer failed";
  const bool has_killed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  char result = 0;
  const bool has_said = ::read(said[0], &result, 1) == 1;
  ::close(said[0]);
  const bool is_collected = !has_killed || ::waitpid(host, &status, 0) == host;  // an orphan of the tracer's
  EXPECT_TRUE(is_collected);
  if (role == Role::kHost) {
    EXPECT_TRUE(ack.wait_eof()) << "something is left of a host that was killed at call " << index;
  } else if (role == Role::kProgram) {
    EXPECT_TRUE(has_said) << "the host has not come to its end, the program killed at the keeper's call " << index;
    EXPECT_TRUE(!has_killed || result == 'r' || result == 'k') << result << ", killed at the keeper's call " << index;
    ++(*results)[result];
  } else {
    EXPECT_TRUE(has_said) << "the host has not come to its end, its keeper killed at call " << index;
    EXPECT_NE(result, 'f') << "it said that all is ended, its keeper killed at call " << index;
    EXPECT_NE(result, 'e') << "an error that does not tell of the loss, its keeper killed at call " << index;
    ++(*results)[result];
  }
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return has_killed;
}

void kill_at_each(Role role) {
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  // Those whose keeper is gone end with the namespace.
  run_in_pid_namespace_unchecked([role] {
    std::map<char, int> results;
    int index = 0;
    const int step = wants_every_setting() ? 1 : 5;
    while (kill_at(role, index, &results) && !::testing::Test::HasFailure()) index += step;
    EXPECT_GT(index, 20) << "the calls were not seen";
    if (role == Role::kHost) return;
    EXPECT_GT(results['r'] + results['c'], 0) << "no spawn was refused";
    if (role == Role::kKeeper) {
      EXPECT_GT(results['l'], 0) << "no loss was told";
    }
  });
}

TEST(ContainedHost, KilledAtEachOfItsCallsLeavesNothing) { kill_at_each(Role::kHost); }

TEST(Keeper, KilledAtEachOfItsCallsIsNeverASuccess) { kill_at_each(Role::kKeeper); }

TEST(Program, KilledAtEachCallOfItsKeeperIsToldSo) { kill_at_each(Role::kProgram); }

}  // namespace
}  // namespace warden::test_support

// The cost of terminate() for a child that obeys the first signal.
#include <signal.h>
#include <sys/wait.h>

#include "test/benchmark/bare_calls.h"
#include "test/benchmark/figure.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

// Children in a turn, and turns in a round.
constexpr int kEach = 25;
constexpr int kTurns = 101;

double warden_terminate() {
  const Command command = tiny_command("p");
  const TerminationPolicy policy = TerminationPolicy::service(absl::Seconds(10));
  double total = 0;
  for (int i = 0; i < kEach; ++i) {
    Child child = spawn_tiny(command);
    std::optional<TerminationReport> report;
    total += microseconds_of([&] { report = child.terminate_with_report(policy).value(); });
    require_complete(*report, Signal::terminate());
  }
  return total / kEach;
}

double kill_and_waitpid() {
  double total = 0;
  for (int i = 0; i < kEach; ++i) {
    const int pid = posix_spawn_tiny("p");
    int status = 0;
    total += microseconds_of([&] {
      require(::kill(pid, SIGTERM) == 0, "kill");
      require(::waitpid(pid, &status, 0) == pid, "waitpid");
    });
    require(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "the child was to die of SIGTERM");
  }
  return total / kEach;
}

Comparison against_kill(int rounds) { return compare(rounds, warden_terminate, kill_and_waitpid, kTurns); }

Comparison bare_against_kill(int rounds) {
  return compare(
      rounds, [] { return bare_terminate_each(kEach); }, kill_and_waitpid, kTurns);
}

}  // namespace

std::vector<Figure> termination_figures() {
  return {
      {"terminate", "terminate() of an obedient child", "kill + waitpid", 1.5, 2.0, true, against_kill},
      {"terminate_bare", "the bare calls of the same design", "kill + waitpid", 0, 0, true, bare_against_kill},
  };
}

}  // namespace warden::benchmark

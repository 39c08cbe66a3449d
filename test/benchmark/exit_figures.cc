// From a child's exit to the return of the wait for it.
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "test/benchmark/bare_calls.h"
#include "test/benchmark/figure.h"
#include "test/benchmark/parent_state.h"
#include "test/benchmark/tiny_child.h"
#include "test/benchmark/trigger.h"

namespace warden::benchmark {
namespace {

constexpr int kEach = 100;
constexpr int kTurns = 501;  // one child in each turn
constexpr int kTurnsOfOlder = 101;
constexpr int kMany = 10'000;
constexpr int kFew = 10;

// Until a child is this old, the reaper leaves its reaping to the thread that waits for it (reaper.cc).
constexpr useconds_t kGrace = 10'000;

// Measures one child, which ends at that age.
double warden_latency(Trigger& trigger, useconds_t age = 0) {
  Child child = spawn_tiny(tiny_command("r").stdin_from(Stdio::fd(trigger.read_fd())));
  if (age != 0) ::usleep(age);
  trigger.arm();
  const ExitStatus status = child.wait().value();
  const double latency = now_in_microseconds() - trigger.fired();
  require_success(status);
  return latency;
}

double waitpid_latency(Trigger& trigger, useconds_t age = 0) {
  const int pid = posix_spawn_tiny_reading(trigger.read_fd());
  if (age != 0) ::usleep(age);
  trigger.arm();
  waitpid_success(pid);
  return now_in_microseconds() - trigger.fired();
}

Comparison exit_at(int rounds, int turns, useconds_t age) {
  Trigger trigger;
  return compare(
      rounds, [&] { return warden_latency(trigger, age); }, [&] { return waitpid_latency(trigger, age); }, turns);
}

double bare_latency(Trigger& trigger) {
  const int pidfd = pidfd_of(posix_spawn_tiny_reading(trigger.read_fd()));
  trigger.arm();
  const double awake = bare_wait(pidfd);
  return awake - trigger.fired();
}

Comparison bare_exit(int rounds) {
  Trigger trigger;
  return compare(
      rounds, [&] { return bare_latency(trigger); }, [&] { return waitpid_latency(trigger); }, kTurns);
}

Comparison exit_to_awake(int rounds) { return exit_at(rounds, kTurns, 0); }

Comparison exit_of_older(int rounds) { return exit_at(rounds, kTurnsOfOlder, 2 * kGrace); }

// Live children of warden's; the destructor ends all of them.
class LiveChildren {
 public:
  explicit LiveChildren(int count) {
    allow_many_files();
    const Command command = tiny_command("p");
    for (int i = 0; i < count; ++i) children_.push_back(spawn_tiny(command));
  }
  ~LiveChildren() {
    for (const auto& ended : terminate_all(children_, TerminationPolicy::immediate())) {
      require(ended.has_value(), "a live child could not be ended");
    }
  }
  LiveChildren(const LiveChildren&) = delete;
  LiveChildren& operator=(const LiveChildren&) = delete;

 private:
  std::vector<Child> children_;
};

Comparison among_10_000(int rounds) {
  Trigger trigger;
  const auto among = [&trigger](int count) {
    const LiveChildren live(count);
    std::vector<double> latencies;
    for (int i = 0; i < kEach; ++i) latencies.push_back(warden_latency(trigger));
    return median_of(latencies);
  };
  return compare(
      rounds, [&] { return among(kMany); }, [&] { return among(kFew); });
}

// Has no baseline: the ratio is to one microsecond.
Comparison timed_wait_on_dead(int rounds) {
  const auto once = [] {
    std::vector<double> waits;
    for (int i = 0; i < kEach; ++i) {
      Child child = spawn_tiny(tiny_command());
      // The child is dead; the reaper may or may not have reaped it already.
      siginfo_t info = {};
      ::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT);
      waits.push_back(microseconds_of([&] { require_success(child.wait_for(absl::Seconds(10)).value().value()); }));
    }
    return median_of(waits);
  };
  return compare(rounds, once, [] { return 1.0; });
}

}  // namespace

std::vector<Figure> exit_figures() {
  return {
      {"exit", "child's exit to waiter awake", "blocked in waitpid", 1.15, 1.6, true, exit_to_awake},
      {"exit_bare", "the bare calls of the same design", "blocked in waitpid", 0, 0, true, bare_exit},
      {"exit_older", "warden, a child of 20 ms and more", "blocked in waitpid", 0, 0, true, exit_of_older},
      {"dead", "timed wait on a child that is dead", "us", 100, 0, false, timed_wait_on_dead},
      {"exit_10000", "one more child's exit to awake, 10,000 live", "with 10", 1.5, 0, true, among_10_000},
  };
}

}  // namespace warden::benchmark

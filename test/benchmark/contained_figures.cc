// What it costs to start and to end a child that is contained, beside posix_spawn(3), SIGKILL and a wait.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "lib/keeper/protocol.h"
#include "lib/os/child_wait.h"
#include "lib/os/sys.h"
#include "lib/spawn/launcher.h"
#include "lib/spawn/spawn_plan.h"
#include "test/benchmark/figure.h"
#include "test/benchmark/parent_state.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

constexpr int kEach = 25;
constexpr int kTurns = 101;
constexpr int kEachOfLong = 500;
constexpr std::size_t kMiB = 1024 * 1024;
constexpr int kCrowd = 1'000;
constexpr int kDaemons = 300;

Command grouped() { return tiny_command("p"); }
Command contained() { return tiny_command("p").containment(Containment::kTree); }

// Spawns, kills and destroys.
double warden_kill_each(const Command& command, int count) {
  return microseconds_of([&] {
           for (int i = 0; i < count; ++i) require(spawn_tiny(command).kill().has_value(), "kill");
         }) /
         count;
}

double posix_kill_each(int count) {
  return microseconds_of([&] {
           for (int i = 0; i < count; ++i) kill_and_collect(posix_spawn_tiny("p"));
         }) /
         count;
}

template <Command (*command)()>
Comparison against_posix_spawn(int rounds) {
  const Command started = command();
  return compare(
      rounds, [&] { return warden_kill_each(started, kEach); }, [] { return posix_kill_each(kEach); }, kTurns);
}

// The calls of the launch and of the end, without a handle: what the design needs.
void bare_kill(internal::SpawnPlan& plan) {
  internal::Sys& sys = internal::linux_sys();
  plan.contain(Containment::kTree);
  const internal::LaunchResult launched = internal::launch(plan);
  require(launched.error == 0, "launch");
  const internal::KeeperOrder order = {internal::KeeperOrder::Kind::kKill, 0, 0};
  require(sys.pidfd_kill_process(launched.child.pidfd, SIGKILL) == 0, "pidfd_send_signal");
  // Where the keeper has seen the end before, it is gone.
  require(::send(launched.socket.get(), &order, sizeof order, MSG_NOSIGNAL) == sizeof order || errno == EPIPE, "send");
  sys.poll_readable(&launched.keeper.pidfd, 1, internal::TimePoint::max());
  internal::KeeperReport report;
  ssize_t size = -1;
  do size = ::recv(launched.socket.get(), &report, sizeof report, MSG_DONTWAIT);
  while (size < 0 && errno == ECONNRESET);  // the keeper has not read the order
  require(size == sizeof report, "recv");
  require(report.value == SIGKILL && report.is_empty != 0, "the keeper was to tell the end");
  require(internal::reap(launched.keeper, 0), "waitid");
  ::close(launched.child.pidfd);
  ::close(launched.keeper.pidfd);
}

void* do_nothing(void*) { return nullptr; }

template <bool has_thread>
double bare_kill_each(int count) {
  const Command command = contained();
  return microseconds_of([&] {
           for (int i = 0; i < count; ++i) {
             pthread_t thread;
             if (has_thread) require(::pthread_create(&thread, nullptr, do_nothing, nullptr) == 0, "pthread_create");
             bare_kill(*internal::make_spawn_plan(command).value());
             if (has_thread) ::pthread_join(thread, nullptr);
           }
         }) /
         count;
}

template <bool has_thread>
Comparison bare_against_posix_spawn(int rounds) {
  return compare(
      rounds, [] { return bare_kill_each<has_thread>(kEach); }, [] { return posix_kill_each(kEach); }, kTurns);
}

Comparison with_4_gib(int rounds) {
  const TouchedHeap small(10 * kMiB);
  const Command command = contained();
  const auto heavy = [&] {
    const TouchedHeap heap(4096 * kMiB);
    return warden_kill_each(command, kEachOfLong);
  };
  return compare(rounds, heavy, [&] { return warden_kill_each(command, kEachOfLong); });
}

Comparison with_files(int rounds) {
  const Command command = contained();
  const auto many = [&] {
    const OpenFiles files(10'000);
    return warden_kill_each(command, kEachOfLong);
  };
  const auto few = [&] {
    const OpenFiles files(10);
    return warden_kill_each(command, kEachOfLong);
  };
  return compare(rounds, many, few);
}

// The end of a thousand children, without their start.
double terminate_crowd(const Command& command) {
  std::vector<Child> children;
  children.reserve(kCrowd);
  for (int i = 0; i < kCrowd; ++i) children.push_back(spawn_tiny(command));
  return microseconds_of([&] {
    for (const auto& ended : terminate_all(children, TerminationPolicy::immediate())) {
      require(ended.has_value(), "terminate_all");
    }
  });
}

Comparison crowd(int rounds) {
  allow_many_files();
  return compare(
      rounds, [] { return terminate_crowd(contained()); }, [] { return terminate_crowd(grouped()); });
}

// The end of a shell that has left daemons, in milliseconds.
double terminate_daemons() {
  Command shell("/bin/sh");
  const std::string script =
      "i=0; while [ $i -lt " + std::to_string(kDaemons) + " ]; do setsid \"$0\" p & i=$((i+1)); done; wait";
  shell.args({"-c", script, tiny_program()}).containment(Containment::kTree);
  Child child = Child::spawn(shell).value();
  ::usleep(1'500'000);  // until all have left the group; one that has not costs less
  return microseconds_of([&] { require(child.kill().has_value(), "kill"); }) / 1'000;
}

Comparison daemons(int rounds) {
  return compare(rounds, terminate_daemons, [] { return 1.0; });
}

}  // namespace

std::vector<Figure> contained_figures() {
  return {
      {"killed", "spawn, kill, destroy", "posix_spawn + SIGKILL + waitpid", 0, 0, true, against_posix_spawn<grouped>},
      {"killed_tree", "the same of a tree", "posix_spawn + SIGKILL + waitpid", 2.3, 0, true,
       against_posix_spawn<contained>},
      {"killed_tree_bare", "the calls of that alone, with a thread", "posix_spawn + SIGKILL + waitpid", 0, 0, true,
       bare_against_posix_spawn<true>},
      {"killed_tree_bare_thread", "those without the thread", "posix_spawn + SIGKILL + waitpid", 0, 0, true,
       bare_against_posix_spawn<false>},
      {"killed_tree_4_gib", "a tree from 4 GiB of touched heap", "from 10 MB", 1.3, 0, true, with_4_gib},
      {"killed_tree_files", "a tree with 10,000 open files", "with 10", 1.3, 0, true, with_files},
      {"terminate_all_trees", "terminate_all of 1,000 trees", "of 1,000 children in groups", 2, 2, true, crowd},
      {"daemons", "the end of a tree of 300 daemons", "ms", 0, 0, false, daemons},
  };
}

}  // namespace warden::benchmark

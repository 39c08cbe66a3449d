// An attack on Containment::kTree, written against the headers and docs/containment.md alone, without sight of the
// code.
//
// Each tree is this program again, in a role: it forks, hides, traces, stops and lies as it can, and then it is ended
// in one of many ways. The promise is checked without /proc: every process of a tree inherits the write end of a pipe,
// and the host has closed its own. A process closes its descriptors before it becomes a zombie, so at the moment in
// which the library returns Ok the pipe must be hung up. Beside the trees live strangers, which must never see a
// signal.
//
//   tree_attack [--trees=N] [--seed=S] [--attack=NAME] [--only=INDEX] [--verbose] [--list]
//
// A broken promise prints its seed and index; --seed=S --only=INDEX --trees=N makes the same tree N times. The last
// line is "N passed, N failed": trees without a broken promise and with one; strangers that were hurt and what stays
// behind at the end count as failed, too. Exits with 1 after a failure. The members are bounded: 60 at a time and 2500
// in all for each tree, and two minutes.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "test/attack/attacker.h"
#include "test/attack/attacks.h"
#include "test/attack/fd.h"
#include "test/attack/member.h"
#include "test/attack/plan.h"
#include "test/attack/recycle.h"
#include "test/attack/rng.h"
#include "test/attack/shared.h"
#include "test/attack/strangers.h"
#include "test/attack/verdict.h"
#include "warden/warden.h"

namespace warden::attack {
namespace {

constexpr int kBatch = 25;  // trees that are ended beside the same strangers

int be_tree(const Options& options) {
  Rng rng(options.seed);
  shared->live.fetch_add(1);
  find_attack(options.attack)->run(rng);
  raise_flag(shared->ready);
  idle();
  leave();
}

// Executes itself, and between that makes daemons.
int be_exec(const Options& options) {
  Rng rng(options.seed);
  rng.jitter(2000);
  if (rng.chance(20)) bear_daemon(rng, sleeper);
  if (options.left > 0 && !over()) execute_role("--role=exec", options.left - 1, rng.next());
  idle();
  leave();
}

void leave_copy(Rng& rng) {
  const int flags = rng.chance(50) ? SIGCHLD : SIGCHLD | CLONE_FILES;
  close(kMarkerFd);
  if (syscall(SYS_clone, flags, 0, 0, 0, 0) != 0) return;
  idle();
  _exit(0);
}

int be_host(const Options& options) {
  const Plan plan = plan_of(options, options.only);
  Rng rng(plan.seed ^ 1);
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  raise_flag(shared->host_step, 1);
  Result<Child, SpawnError> child = spawn_tree(plan, kMarkerFd, kSharedFd);
  raise_flag(shared->host_step, child ? 2 : 3);
  if (!child) _exit(1);
  if (plan.way == Way::kHostKilled || plan.way == Way::kHostKilledEarly) idle();
  while (shared->ending.load() == 0 && !over()) wait_for_flag(shared->ending, kSecond);
  if (plan.way == Way::kHostAborts) abort();
  if (plan.way == Way::kHostExecs) execute_role("--role=exec_host", 0, rng.next());
  if (plan.way == Way::kHostCopyLives) leave_copy(rng);
  if (plan.way == Way::kHostClosesAll) close_range(3, ~0U, 0);
  rng.jitter(3000);
  if (plan.way == Way::kHostCopyLives || plan.way == Way::kHostClosesAll) ::kill(getpid(), SIGKILL);
  _exit(0);
}

// Every child of this program must be gone: the keepers, too.
bool children_are_gone() {
  const std::int64_t deadline = now() + 5 * kSecond;
  int pid = 0;
  while ((pid = waitpid(-1, nullptr, WNOHANG | __WALL)) >= 0 && now() < deadline) {
    const timespec pause = {0, kSecond / 100};
    if (pid == 0) nanosleep(&pause, nullptr);
  }
  return pid < 0;
}

int attack_all(const Options& options) {
  set_abandoned_child_handler([](const AbandonedChild& child, void*) { complain(child.error); }, nullptr);
  set_log_sink(
      [](const LogRecord& record, void*) {
        if (record.severity == LogSeverity::kError) complain(std::string(record.event) + std::string(record.error));
      },
      nullptr);
  Attacker attacker(options);
  std::atomic<bool> done{false};
  std::thread watchdog([&] {
    for (; !done.load(); attacker.watch()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  });
  Strangers strangers;
  int hurt = 0, broken_trees = 0;
  const int descriptors = count_descriptors();
  for (int first = 0; first < options.trees; first += kBatch) {
    strangers.start();
    const int end = first + kBatch < options.trees ? first + kBatch : options.trees;
    for (int index = first; index < end; ++index) {
      const int before = attacker.broken();
      attacker.run_tree(plan_of(options, options.only >= 0 ? options.only : index));
      if (attacker.broken() > before) ++broken_trees;
    }
    if (strangers.end()) continue;
    ++hurt;
    printf("STRANGERS HURT --seed=%llu, index %d to %d: signal %d from pid %d\n",
           static_cast<unsigned long long>(options.seed), first, end - 1, board->number.load(), board->sender.load());
  }
  done.store(true);
  watchdog.join();
  attacker.print();
  const bool gone = children_are_gone();
  const int leaked = count_descriptors() - descriptors;
  printf("seed %llu: %d broken, strangers hurt in %d batches, children %s, descriptors left open: %d\n",
         static_cast<unsigned long long>(options.seed), attacker.broken(), hurt, gone ? "all gone" : "LEFT", leaked);
  const int passed = options.trees - broken_trees;
  const int failed = broken_trees + hurt + (gone ? 0 : 1) + (leaked > 0 ? 1 : 0);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (name == "--trees") {
      options.trees = atoi(value.c_str());
    } else if (name == "--seed") {
      options.seed = strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--only") {
      options.only = atoi(value.c_str());
    } else if (name == "--attack") {
      options.attack = value;
    } else if (name == "--role") {
      options.role = value;
    } else if (name == "--left") {
      options.left = atoi(value.c_str());
    } else if (name == "--list") {
      options.list = true;
    } else if (name == "--verbose") {
      options.verbose = true;
    } else {
      return false;
    }
  }
  return options.attack.empty() || find_attack(options.attack) != nullptr;
}

int play_role(const Options& options) {
  if (options.list) {
    for (const Attack& attack : all_attacks()) printf("%-17s %s\n", attack.name, attack.summary);
    return 0;
  }
  const bool outer = options.role.empty() || options.role == "recycle";
  if (!outer) map_shared();
  if (options.role == "tree") return be_tree(options);
  if (options.role == "exec") return be_exec(options);
  if (options.role == "host") return be_host(options);
  if (options.role == "sleep") idle();
  if (options.role == "thread_exec") {
    Rng rng(options.seed);
    attack_thread_exec(rng);
  }
  if (options.role == "exec_host") Rng(options.seed).jitter(20'000);
  if (!outer) leave();
  if (!map_board()) return 1;
  return options.role.empty() ? attack_all(options) : be_recycled(options);
}

}  // namespace
}  // namespace warden::attack

int main(int argc, char** argv) {
  warden::attack::Options options;
  if (!warden::attack::parse(argc, argv, options)) {
    fprintf(stderr, "usage: tree_attack [--trees=N] [--seed=S] [--attack=NAME] [--only=INDEX] [--verbose] [--list]\n");
    return 2;
  }
  return warden::attack::play_role(options);
}

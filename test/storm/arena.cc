#include "test/storm/arena.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "test/storm/board.h"
#include "test/storm/keeper.h"
#include "test/storm/random.h"
#include "test/support/thief.h"

namespace storm {
namespace {

struct Shared {
  Yard yard;
  Counts counts;
};

struct Context {
  const Fight& fight;
  Shared& shared;
};

void attack_in_turn(const Context& context, int worker, int64_t deadline_ns) {
  const Fight& fight = context.fight;
  Attack attack(fight.order, worker, context.shared.yard, context.shared.counts);
  const uint64_t mode = std::hash<std::string>()(fight.mode.name);
  Random random((fight.seed ^ mode) * kWorkers + static_cast<uint64_t>(worker));
  for (int round = 0; round < fight.rounds && now_ns() < deadline_ns; ++round) {
    attack.run(fight.has_one_tree ? fight.seed : random.next() >> 32);
  }
}

void host(void* argument) {
  const Context& context = *static_cast<Context*>(argument);
  const Fight& fight = context.fight;
  const int64_t deadline_ns = now_ns() + fight.seconds * int64_t{1'000'000'000};
  while (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 8) {  // keeps the numbers that the trees' descriptors get
  }
  if (fight.mode.ignores_sigchld) ::signal(SIGCHLD, SIG_IGN);
  if (!fight.mode.refused.empty() && !warden::test_support::refuse_system_calls(fight.mode.refused)) ::_exit(3);
  // Never ends: it may not, as long as there are children.
  if (fight.mode.has_thief) new warden::test_support::Thief(warden::test_support::Thief::Way::kWait);
  std::vector<std::thread> workers;
  for (int i = 0; i < fight.workers; ++i) workers.emplace_back(attack_in_turn, context, i, deadline_ns);
  for (std::thread& worker : workers) worker.join();
}

bool limit_processes() {
  const std::string limit = std::to_string(kLastPid);
  const int fd = ::open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
  const bool written = ::write(fd, limit.data(), limit.size()) == static_cast<ssize_t>(limit.size());
  ::close(fd);
  return written;
}

[[noreturn]] void be_first_process(Context& context) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(2);
  if (::mount("proc", "/proc", "proc", 0, nullptr) != 0 || !limit_processes()) ::_exit(2);
  keep(context.shared.yard, context.fight.seed, host, &context);
  const int status = context.shared.yard.host_status;
  ::_exit(status == 0 ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

// Its death ends the namespace.
[[noreturn]] void hold_namespace(Context& context) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) ::_exit(2);
  const pid_t first = ::fork();
  if (first == 0) be_first_process(context);
  int status = 0;
  if (first < 0 || ::waitpid(first, &status, 0) != first) ::_exit(2);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

std::string outcome_of_namespace(pid_t holder, int seconds) {
  const int64_t deadline_ns = now_ns() + (seconds + 90) * int64_t{1'000'000'000};
  int status = 0;
  while (::waitpid(holder, &status, WNOHANG) == 0) {
    if (now_ns() > deadline_ns) {
      ::kill(holder, SIGKILL);
      ::waitpid(holder, &status, 0);
      return "the host hangs";
    }
    nap(10'000'000);
  }
  if (status == 0) return {};
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code == 2 ? "no pid namespace with a limit of its own" : "the host ended with " + std::to_string(code);
}

}  // namespace

bool Score::is_clean() const {
  return false_oks == 0 && survivors == 0 && struck == 0 && exceeded == 0 && made_up == 0 && trees > 0 &&
         broken.empty();
}

Score run(const Fight& fight) {
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) ::abort();
  auto* const shared = new (memory) Shared;
  shared->yard.is_silent = fight.order.is_silent;
  Context context = {fight, *shared};
  ::fflush(stdout);
  const pid_t holder = ::fork();
  if (holder == 0) hold_namespace(context);
  Score score;
  score.broken = outcome_of_namespace(holder, fight.seconds);
  const Counts& counts = shared->counts;
  score.trees = counts.trees;
  score.calls = counts.calls;
  score.oks = counts.oks;
  score.lost = counts.lost;
  score.false_oks = counts.false_oks;
  score.came_back = counts.came_back;
  score.survivors = counts.survivors;
  score.struck = shared->yard.struck + counts.struck_walkers;
  score.exceeded = counts.exceeded;
  score.made_up = counts.made_up;
  score.moved = counts.moved;
  for (const Desk& desk : shared->yard.desks) score.taken += desk.taken;
  score.errors = counts.errors;
  ::munmap(memory, sizeof(Shared));
  return score;
}

}  // namespace storm

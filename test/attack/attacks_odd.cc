// Attacks: to be what the library does not expect.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <new>
#include <vector>

#include "test/attack/attacks.h"
#include "test/attack/found_keeper.h"
#include "test/attack/member.h"
#include "test/attack/process.h"
#include "test/attack/rng.h"
#include "test/attack/shared.h"

namespace warden::attack {
namespace {

void disguise(Rng& rng) {
  constexpr const char* kNames[] = {"warden_keeper", ") Z 1 1 1", "a\nb) R", "((((", "", "x) S 1 "};
  prctl(PR_SET_NAME, kNames[rng.below(6)]);
  if (rng.chance(50)) prctl(PR_SET_DUMPABLE, 0);
  if (rng.chance(50)) prctl(PR_SET_PDEATHSIG, rng.chance(50) ? 0 : SIGSTOP);
  if (rng.chance(30)) nest(rng, 1);
  idle();
}

void seize(Rng& rng, int pid) {
  constexpr long kOptions[] = {
      0, PTRACE_O_TRACEEXIT, PTRACE_O_EXITKILL,
      PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC};
  count_refusal(ptrace(PTRACE_SEIZE, pid, nullptr, kOptions[rng.below(4)]));
  if (rng.chance(30)) ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
}

}  // namespace

void attack_deaf(Rng& rng) {
  deafen();
  nest(rng, 2);
  attack_daemon(rng);
}

void attack_stopped(Rng& rng) {
  std::vector<int> children;
  for (int n = 2 + rng.below(10); n > 0; --n) {
    const int child = bear(rng, [](Rng& own) {
      if (own.chance(50)) setsid();
      if (own.chance(50)) raise(SIGSTOP);
      idle();
    });
    if (child > 0) children.push_back(child);  // never reaped, so the numbers stay theirs
  }
  bear_daemon(rng, [](Rng& own) {
    own.jitter(1000);
    raise(SIGSTOP);
  });
  for (const int child : children) {
    if (rng.chance(50)) kill(child, SIGSTOP);
  }
  shared->ready.store(1);
  if (rng.chance(50)) raise(SIGSTOP);
}

void attack_groups(Rng& rng) {
  std::vector<int> children;
  for (int n = 2 + rng.below(12); n > 0; --n) {
    const int friendly =
        children.empty() ? 0 : children[static_cast<std::size_t>(rng.below(static_cast<int>(children.size())))];
    const int child = bear(rng, [friendly](Rng& own) {
      const int keeper = own_keeper().pid;
      const int groups[] = {0, friendly, shared->outer_group, keeper > 0 ? getpgid(keeper) : 0};
      for (int left = 1 + own.below(4); left > 0; --left) {
        count_refusal(setpgid(0, groups[own.below(4)]));
        own.jitter(500);
      }
      scatter(own);
      if (own.chance(80)) idle();
    });
    if (child > 0) children.push_back(child);
    if (child > 0 && rng.chance(30)) setpgid(child, shared->outer_group);
  }
  if (rng.chance(30)) setpgid(0, shared->outer_group);
}

void attack_disguise(Rng& rng) {
  for (int n = 1 + rng.below(10); n > 0; --n) bear_daemon(rng, disguise);
  if (rng.chance(50)) {
    shared->ready.store(1);
    disguise(rng);
  }
}

void attack_suicide(Rng& rng) {
  const int self = open_process(getpid());
  scatter(rng);
  bear(rng, [self](Rng& own) {
    setsid();
    own.jitter(5000);
    constexpr int kSignals[] = {SIGKILL, SIGSEGV, SIGTERM, SIGSTOP};
    send_signal(self, kSignals[own.below(4)]);
    idle();
  });
}

// Tracers that never wait: what they trace stays a zombie, or stops at its very exit.
void attack_tracer(Rng& rng) {
  const int leader = getpid();
  for (int n = 1 + rng.below(5); n > 0; --n) {
    const int traced = bear(rng, [](Rng& own) {
      if (own.chance(30)) nest(own, 2);
      own.jitter(3000);
      if (own.chance(60)) idle();
    });
    if (traced < 0) continue;
    bear(rng, [traced, leader](Rng& own) {
      if (own.chance(50)) setsid();
      seize(own, own.chance(70) ? traced : leader);
      if (own.chance(20)) leave();
      sleeper(own);
    });
    bear(rng, [](Rng&) {
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      raise(SIGSTOP);
    });
  }
  scatter(rng);
}
// Two that trace each other. Only one stops at its exit: of two that do, neither ever ends, whoever sends SIGKILL, and
// they stay until the machine is started again (seen with Linux 6.18; the library says kSurvivors and names both). It
// is one option away from that, so it runs only by its name.
void attack_mutual(Rng& rng) {
  void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  std::atomic<int>* const second = new (memory) std::atomic<int>(0);
  const int first = bear(rng, [second](Rng& own) {
    while (second->load() == 0 && !over()) own.jitter(100);
    count_refusal(ptrace(PTRACE_SEIZE, second->load(), nullptr, PTRACE_O_TRACEEXIT));
    idle();
  });
  if (first < 0) return;
  second->store(bear(rng, [first](Rng& own) {
    if (own.chance(50)) setsid();
    count_refusal(ptrace(PTRACE_SEIZE, first, nullptr, 0));
    idle();
  }));
  scatter(rng);
  if (rng.chance(30)) leave(7);
}

}  // namespace warden::attack

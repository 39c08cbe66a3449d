// Attacks: to get away.
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "test/attack/attacks.h"
#include "test/attack/member.h"
#include "test/attack/rng.h"
#include "test/attack/shared.h"

namespace warden::attack {
namespace {

constexpr int kGenerations = 200;

void chain(Rng& rng, int left) {
  setsid();
  if (rng.chance(30)) rng.jitter(2000);
  if (left == 0) idle();
  if (!over()) bear(rng, [left](Rng& own) { chain(own, left - 1); });
}

void storm(Rng& rng) {
  while (!over() && shared->born.load() < kMaxBorn) {
    bear(rng, [](Rng& own) {
      if (own.chance(50)) setsid();
      own.jitter(300);
      if (own.chance(50)) storm(own);
    });
    rng.jitter(500);
    while (waitpid(-1, nullptr, WNOHANG | __WALL) > 0) {
    }
  }
  idle();
}

// Each head that a signal cuts off grows a new one in its place.
void grow_head(int) {
  if (take_slot() && fork() == 0) {
    setsid();
  } else {
    leave();
  }
}

int idle_in_memory(void*) {
  if (shared->born.load() % 2 == 0) setsid();
  idle();
  leave();
}

void enter_namespace(Rng& rng, int depth) {
  const int flags = CLONE_NEWPID | (rng.chance(50) ? CLONE_NEWUSER : 0);
  if (unshare(flags) != 0 && unshare(CLONE_NEWPID | CLONE_NEWUSER) != 0) return count_refusal(-1);
  bear(rng, [depth](Rng& own) {
    scatter(own);
    nest(own, 1);
    if (depth > 0) bear(own, [depth](Rng& inner) { enter_namespace(inner, depth - 1); });
    if (own.chance(70)) sleeper(own);
  });
  if (rng.chance(50)) bear(rng, sleeper);
  if (rng.chance(50)) idle();
}

}  // namespace

void attack_setsid(Rng& rng) { nest(rng, rng.below(5)); }

void attack_daemon(Rng& rng) {
  for (int n = 1 + rng.below(20); n > 0; --n) bear_daemon(rng, sleeper);
}

void attack_orphans(Rng& rng) {
  attack_daemon(rng);
  rng.jitter(2000);
  leave(7);
}

void attack_chain(Rng& rng) {
  bear(rng, [](Rng& own) { chain(own, kGenerations); });
  if (rng.chance(50)) leave(7);
}
void attack_chains(Rng& rng) {
  for (int n = 2 + rng.below(10); n > 0; --n) {
    bear(rng, [](Rng& own) { chain(own, own.below(kGenerations)); });
  }
  if (rng.chance(30)) leave(7);
}

void attack_storm(Rng& rng) {
  for (int n = 1 + rng.below(4); n > 0; --n) bear_daemon(rng, storm);
}

void attack_hydra(Rng& rng) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) signal(number, grow_head);
  for (int n = 1 + rng.below(6); n > 0; --n) {
    bear_daemon(rng, [](Rng&) { idle(); });
  }
}

void attack_threads(Rng& rng) {
  std::vector<std::thread> threads;
  for (int n = 2 + rng.below(6); n > 0; --n) {
    threads.emplace_back([seed = rng.next()] {
      Rng own(seed);
      for (int left = own.below(8); left > 0; --left) bear_daemon(own, sleeper);
    });
  }
  for (std::thread& thread : threads) thread.join();
}
void attack_many_threads(Rng& rng) {
  for (int n = 20 + rng.below(100); n > 0; --n) {
    std::thread([seed = rng.next()] {
      Rng own(seed);
      if (own.chance(10)) bear_daemon(own, sleeper);
      idle();
    }).detach();
  }
  if (rng.chance(30)) pthread_exit(nullptr);  // the leader is a zombie whose threads live
}

void attack_vfork(Rng& rng) {
  for (int n = 1 + rng.below(8); n > 0; --n) {
    bear(rng, [](Rng& own) {
      if (own.chance(50)) bear_in_memory(idle_in_memory, CLONE_VM | CLONE_VFORK | SIGCHLD);  // it never lets go
      if (!take_slot()) return;
      if (vfork() == 0) {
        setsid();
        execl(kSelf, "tree_attack", "--role=sleep", nullptr);
        _exit(127);
      }
    });
  }
}
void attack_memory(Rng& rng) {
  constexpr int kKinds[] = {CLONE_VM, CLONE_VM | CLONE_FILES, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND};
  for (int n = 1 + rng.below(10); n > 0; --n) {
    const int flags = kKinds[rng.below(3)] | (rng.chance(20) ? CLONE_PARENT : 0);
    bear_in_memory(idle_in_memory, flags | (rng.chance(30) ? 0 : SIGCHLD));
  }
  scatter(rng);
  if (rng.chance(30)) leave(7);
}

void attack_siblings(Rng& rng) {
  for (int n = 1 + rng.below(8); n > 0; --n) {
    bear(rng, sleeper, CLONE_PARENT | SIGCHLD);
    bear(rng, [](Rng& own) {
      for (int left = own.below(3); left > 0; --left) bear(own, sleeper, CLONE_PARENT | SIGCHLD);
      if (own.chance(50)) setsid();
      if (own.chance(50)) idle();
    });
  }
  if (rng.chance(30)) leave(7);
}
void attack_exit_signal(Rng& rng) {
  static constexpr int kSignals[] = {0, SIGUSR1, SIGKILL, SIGSTOP, SIGTERM, 34, 64};
  for (int n = 2 + rng.below(10); n > 0; --n) {
    const auto body = [](Rng& own) {
      bear(own, sleeper, kSignals[own.below(7)]);
      if (own.chance(50)) bear(own, sleeper, CLONE_PARENT);
      own.jitter(1000);
      if (own.chance(30)) idle();
    };
    bear(rng, body, kSignals[rng.below(7)] | (rng.chance(30) ? CLONE_PARENT : 0));
  }
}

void attack_subreaper(Rng& rng) {
  for (int n = 1 + rng.below(3); n > 0; --n) {
    bear(rng, [](Rng& own) {
      prctl(PR_SET_CHILD_SUBREAPER, 1);
      if (own.chance(50)) setsid();
      attack_daemon(own);
      if (own.chance(30)) nest(own, 2);
      const bool reaps = own.chance(50);
      while (reaps && !over() && waitpid(-1, nullptr, 0) > 0) {
      }
      if (own.chance(50)) idle();
    });
  }
}

void attack_namespaces(Rng& rng) {
  for (int n = 1 + rng.below(3); n > 0; --n) {
    bear(rng, [](Rng& own) { enter_namespace(own, own.below(3)); });
  }
}

void attack_exec(Rng& rng) {
  for (int n = 1 + rng.below(5); n > 0; --n) {
    bear_daemon(rng, [](Rng& own) { execute_role("--role=exec", own.below(40), own.next()); });
  }
  if (rng.chance(50)) execute_role("--role=exec", rng.below(40), rng.next());
}
void attack_thread_exec(Rng& rng) {
  scatter(rng);
  for (int n = 3; n > 0; --n) std::thread(idle).detach();
  std::thread([seed = rng.next()] {
    Rng own(seed);
    own.jitter(2000);
    execute_role(own.chance(50) ? "--role=sleep" : "--role=thread_exec", 5, own.next());
  }).detach();
  idle();
}

void attack_closer(Rng& rng) {
  close_range(3, kMarkerFd - 1, 0);
  close_range(kMarkerFd + 1, ~0U, 0);
  attack_daemon(rng);
}

}  // namespace warden::attack

// Attacks on the keeper.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "test/attack/attacks.h"
#include "test/attack/found_keeper.h"
#include "test/attack/member.h"
#include "test/attack/process.h"
#include "test/attack/rng.h"
#include "test/attack/shared.h"

namespace warden::attack {
namespace {

int late_victim = -1;

template <class Body>
void for_each_stolen(const Keeper& keeper, const Body& body) {
  bool any = false;
  for (int fd = 3; fd < 64; ++fd) {
    const int stolen = static_cast<int>(syscall(SYS_pidfd_getfd, keeper.pidfd, fd, 0));
    struct stat facts = {};
    if (stolen >= 0 && fstat(stolen, &facts) == 0 && S_ISSOCK(facts.st_mode)) body(stolen);
    any = any || stolen >= 0;
  }
  if (!any) shared->refused.fetch_add(1);
}
void babble(Rng& rng, int socket) {
  char noise[256];
  for (char& byte : noise) byte = static_cast<char>(rng.chance(50) ? 0 : rng.next());
  send(socket, noise, static_cast<std::size_t>(1 + rng.below(sizeof(noise))), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

void attack_stop_keeper(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    for (int n = 0; n < 5000 && !over(); ++n) {
      count_refusal(send_signal(keeper.pidfd, own.chance(80) ? SIGSTOP : SIGTSTP));
      own.jitter(2000);
    }
  });
}

void attack_signal_keeper(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    for (int n = 0; n < 2000 && !over(); ++n) {
      const int number = 1 + own.below(64);
      if (number != SIGKILL && number != SIGSTOP) count_refusal(send_signal(keeper.pidfd, number));
      if (own.chance(10)) own.jitter(500);
    }
  });
}

void attack_kill_keeper(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    own.jitter(20'000);
    count_refusal(send_signal(keeper.pidfd, SIGKILL));
  });
}

void attack_kill_keeper_late(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    late_victim = keeper.pidfd;
    const auto strike = [](int) { send_signal(late_victim, SIGKILL); };
    if (own.chance(50)) {  // at the first graceful signal
      for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) signal(number, strike);
    } else {
      while (shared->ending.load() == 0 && !over()) wait_for_flag(shared->ending, kSecond);
      own.jitter(own.chance(50) ? 100 : 1500);
      count_refusal(send_signal(keeper.pidfd, SIGKILL));
    }
  });
}

void attack_garbage(Rng& rng) {
  scatter(rng);
  for (int fd = 3; fd < 1024; ++fd) {
    struct stat facts = {};
    if (fd == kMarkerFd || fd == kSharedFd || fstat(fd, &facts) != 0 || !S_ISSOCK(facts.st_mode)) continue;
    for (int n = 0; n < 20; ++n) babble(rng, fd);
    if (rng.chance(30)) shutdown(fd, SHUT_RDWR);
  }
}
void attack_thief(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    for (int fd = 3; fd < 64; ++fd) open(proc(keeper.pid, ("fd/" + std::to_string(fd)).c_str()).c_str(), O_RDWR);
    for_each_stolen(keeper, [&own](int socket) {
      char taken[4096];
      if (own.chance(50)) babble(own, socket);
      if (own.chance(50)) count_refusal(recv(socket, taken, sizeof(taken), MSG_DONTWAIT));
      if (own.chance(20)) shutdown(socket, own.below(3));
    });
  });
}
// Holds copies of the keeper's sockets, so that nobody sees their end, and then kills the keeper.
void attack_holder(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    for_each_stolen(keeper, [](int) {});
    while (shared->ending.load() == 0 && !over()) wait_for_flag(shared->ending, kSecond);
    own.jitter(300);
    send_signal(keeper.pidfd, SIGKILL);
  });
}
void attack_scribble(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    const std::string maps = read_file(proc(keeper.pid, "maps"));
    for (std::size_t at = 0; at < maps.size(); at = maps.find('\n', at) + 1) {
      unsigned long begin = 0, end = 0;
      char kind[5] = {};
      if (sscanf(maps.c_str() + at, "%lx-%lx %4s", &begin, &end, kind) != 3 || kind[1] != 'w') continue;
      std::uint64_t noise[32];
      for (std::uint64_t& word : noise) word = own.chance(50) ? 0 : own.next();
      const std::uint64_t room = end - begin - sizeof(noise);
      const iovec from = {noise, sizeof(noise)};
      const iovec to = {reinterpret_cast<void*>(begin + own.next() % (room + 1)), sizeof(noise)};
      count_refusal(process_vm_writev(keeper.pid, &from, 1, &to, 1, 0));
    }
  });
}
void attack_trace_keeper(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    own.jitter(5000);
    count_refusal(ptrace(PTRACE_SEIZE, keeper.pid, nullptr, own.chance(30) ? PTRACE_O_TRACEEXIT : 0));
    ptrace(PTRACE_INTERRUPT, keeper.pid, nullptr, nullptr);
    if (own.chance(30)) own.jitter(100'000);
    if (own.chance(20)) leave();
  });
}

void attack_starve_keeper(Rng& rng) {
  assault(rng, [](Rng&, const Keeper& keeper) {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    const sched_param none = {};
    count_refusal(setpriority(PRIO_PROCESS, static_cast<id_t>(keeper.pid), 19));
    count_refusal(sched_setaffinity(keeper.pid, sizeof(first), &first));
    count_refusal(sched_setscheduler(keeper.pid, SCHED_IDLE, &none));
  });
}
void attack_limit_keeper(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    const rlimit none = {0, 0};
    for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
      if (resource == RLIMIT_CPU || own.chance(50)) continue;
      count_refusal(prlimit(keeper.pid, static_cast<__rlimit_resource>(resource), &none, nullptr));
    }
  });
}
// The kernel kills a keeper that has used up its second.
void attack_time_keeper(Rng& rng) {
  assault(rng, [](Rng& own, const Keeper& keeper) {
    const rlimit none = {0, 0};
    count_refusal(prlimit(keeper.pid, RLIMIT_CPU, &none, nullptr));
    for (int n = 0; n < 2000 && !over(); ++n) {
      send_signal(keeper.pidfd, SIGCHLD);
      if (own.chance(10)) own.jitter(200);
    }
  });
}
void attack_files_of_keeper(Rng& rng) {
  assault(rng, [](Rng&, const Keeper& keeper) {
    count_refusal(write_file(proc(keeper.pid, "oom_score_adj"), "1000") ? 0 : -1);
    for (const char* file : {"comm", "coredump_filter", "timerslack_ns", "autogroup", "clear_refs", "loginuid"}) {
      write_file(proc(keeper.pid, file), "1");
    }
  });
}

}  // namespace warden::attack

#include "test/attack/member.h"

#include <sched.h>
#include <sys/mman.h>

#include <cstddef>
#include <string>

namespace warden::attack {

bool over() { return shared->stop.load() != 0 || now() > shared->deadline; }

void idle() {
  while (!over()) wait_for_flag(shared->stop, kSecond);
}

bool take_slot() {
  if (over() || shared->born.fetch_add(1) >= kMaxBorn) return false;
  if (shared->live.fetch_add(1) < kMaxLive) return true;
  shared->live.fetch_sub(1);
  return false;
}

[[noreturn]] void leave(int code) {
  shared->live.fetch_sub(1);
  _exit(code);
}

void count_refusal(long result) {
  if (result < 0) shared->refused.fetch_add(1);
}

int bear_in_memory(int (*body)(void*), int flags) {
  constexpr std::size_t kStack = 64 * 1024;
  if (!take_slot()) return -1;
  void* const stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int pid = stack == MAP_FAILED ? -1 : clone(body, static_cast<char*>(stack) + kStack, flags, nullptr);
  if (pid < 0) shared->live.fetch_sub(1);
  return pid;
}

void deafen() {
  for (int number = 1; number <= 64; ++number) signal(number, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

void sleeper(Rng& rng) {
  if (rng.chance(30)) deafen();
  idle();
}

void scatter(Rng& rng) {
  for (int n = rng.below(6); n > 0; --n) bear_daemon(rng, sleeper);
}

void nest(Rng& rng, int depth) {
  for (int n = 1 + rng.below(3); n > 0; --n) {
    bear(rng, [depth](Rng& own) {
      if (own.chance(60)) setsid();
      own.jitter(500);
      if (depth > 0) nest(own, depth - 1);
      if (own.chance(70)) sleeper(own);
    });
  }
}

void execute_role(const char* role, int left, std::uint64_t seed) {
  const std::string left_flag = "--left=" + std::to_string(left), seed_flag = "--seed=" + std::to_string(seed);
  execl(kSelf, "tree_attack", role, left_flag.c_str(), seed_flag.c_str(), nullptr);
  shared->refused.fetch_add(1);
}

}  // namespace warden::attack

// Members of a tree: how they are born, how they pass their time and how they leave.
#ifndef WARDEN_TEST_ATTACK_MEMBER_H_
#define WARDEN_TEST_ATTACK_MEMBER_H_

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "test/attack/rng.h"
#include "test/attack/shared.h"

namespace warden::attack {

constexpr int kMaxLive = 60;
constexpr int kMaxBorn = 2500;
constexpr char kSelf[] = "/proc/self/exe";

bool over();
void idle();

bool take_slot();

// A member that is killed keeps its slot, which errs on the safe side.
[[noreturn]] void leave(int code = 0);

// Counts a step of the attack that the system has refused: a negative result.
void count_refusal(long result);

template <class Body>
int bear(Rng& rng, const Body& body, int flags = SIGCHLD) {
  const std::uint64_t seed = rng.next();
  if (!take_slot()) return -1;
  const int pid = flags == SIGCHLD ? fork() : static_cast<int>(syscall(SYS_clone, flags, 0, 0, 0, 0));
  if (pid == 0) {
    Rng own(seed);
    body(own);
    leave();
  }
  if (pid < 0) {
    shared->live.fetch_sub(1);
    shared->refused.fetch_add(1);
  }
  return pid;
}

template <class Body>
void bear_daemon(Rng& rng, const Body& body) {
  const int middle = bear(rng, [&body](Rng& own) {
    setsid();
    if (own.chance(50)) own.jitter(300);
    bear(own, body);
  });
  if (middle > 0 && rng.chance(50)) waitpid(middle, nullptr, 0);
}

// A child in this member's own memory, on a stack of its own.
int bear_in_memory(int (*body)(void*), int flags);

void deafen();
void sleeper(Rng& rng);

// A few members that have left before the attack itself begins, so that there is always somebody to lose.
void scatter(Rng& rng);

// Members in sessions of their own, of this depth.
void nest(Rng& rng, int depth);

// Returns where exec is refused.
void execute_role(const char* role, int left, std::uint64_t seed);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_MEMBER_H_

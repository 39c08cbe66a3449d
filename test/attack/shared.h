// What the outer program shares with the members of one tree: flags that are futexes, counts, and the clock.
#ifndef WARDEN_TEST_ATTACK_SHARED_H_
#define WARDEN_TEST_ATTACK_SHARED_H_

#include <time.h>

#include <atomic>
#include <cstdint>

namespace warden::attack {

constexpr int kMarkerFd = 100;  // in every member: the write end of the pipe
constexpr int kSharedFd = 101;  // in every member: the memory that it shares with the outer program
constexpr std::int64_t kSecond = 1'000'000'000;

struct Shared {
  std::atomic<std::uint32_t> stop;       // a futex: everybody leaves
  std::atomic<std::uint32_t> ending;     // a futex: the end of the tree begins now
  std::atomic<std::uint32_t> host_step;  // a futex: 1 before the host spawns, 2 after it, 3 when that has failed
  std::atomic<std::uint32_t> ready;      // a futex: the attack stands
  std::atomic<int> live, born, refused;
  std::int64_t deadline;
  int outer_group;
  int untouchable_count;
  int untouchable[64];  // the outer program and its ancestors: no member touches them
};

extern Shared* shared;  // a member's own; null in the outer program

// Takes over the memory behind kSharedFd.
void map_shared();

std::int64_t now();

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout);

void raise_flag(std::atomic<std::uint32_t>& flag, std::uint32_t value = 1);

// Waits until the flag is raised, `bound` has passed, or the word was woken for nothing: look again.
void wait_for_flag(std::atomic<std::uint32_t>& flag, std::int64_t bound);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_SHARED_H_

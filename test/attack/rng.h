// Repeatable random numbers (splitmix64), and pauses of random length.
#ifndef WARDEN_TEST_ATTACK_RNG_H_
#define WARDEN_TEST_ATTACK_RNG_H_

#include <time.h>

#include <cstdint>

namespace warden::attack {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  void jitter(int most_us) {
    const timespec time = {0, below(most_us + 1) * 1000L};
    nanosleep(&time, nullptr);
  }

 private:
  std::uint64_t state_;
};

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_RNG_H_

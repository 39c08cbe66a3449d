// Repeatable random numbers (splitmix64).
#ifndef WARDEN_TEST_STORM_RANDOM_H_
#define WARDEN_TEST_STORM_RANDOM_H_

#include <stdint.h>

namespace storm {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // From 0 to limit - 1.
  int below(int limit) { return static_cast<int>(next() % static_cast<uint64_t>(limit)); }
  bool one_in(int count) { return below(count) == 0; }

 private:
  uint64_t state_;
};

}  // namespace storm

#endif  // WARDEN_TEST_STORM_RANDOM_H_

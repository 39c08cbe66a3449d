// Repeatable random numbers, and pauses of random length.
#ifndef WARDEN_TEST_ATTACK_RNG_H_
#define WARDEN_TEST_ATTACK_RNG_H_

#include <time.h>

#include "test/storm/random.h"

namespace warden::attack {

class Rng : public storm::Random {
 public:
  using Random::Random;
  bool chance(int percent) { return below(100) < percent; }
  void jitter(int most_us) {
    const timespec time = {0, below(most_us + 1) * 1000L};
    nanosleep(&time, nullptr);
  }
};

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_RNG_H_

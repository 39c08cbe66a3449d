// Runs attacks in a pid namespace of their own, from a host of their own, and returns what was counted.
#ifndef WARDEN_TEST_STORM_ARENA_H_
#define WARDEN_TEST_STORM_ARENA_H_

#include <stdint.h>

#include <string>

#include "test/storm/attack.h"
#include "test/storm/mode.h"

namespace storm {

struct Fight {
  Mode mode;
  Order order;
  uint64_t seed = 0;
  bool has_one_tree = false;  // the same seed again and again
  int seconds = 0;
  int rounds = 1'000'000'000;  // of each worker, at most
  int workers = kWorkers;
};

struct Score {
  int trees = 0;
  int calls = 0;
  int oks = 0;
  int lost = 0;
  int false_oks = 0;
  int came_back = 0;
  int survivors = 0;
  int struck = 0;
  int exceeded = 0;
  int made_up = 0;
  int moved = 0;
  int taken = 0;  // numbers of ended children that a bystander has got
  std::string errors;
  std::string broken;  // why the host did not come to its end; empty if it did

  bool is_clean() const;
};

// REQUIRES: root, Linux 6.14, and one thread in this process.
Score run(const Fight& fight);

}  // namespace storm

#endif  // WARDEN_TEST_STORM_ARENA_H_

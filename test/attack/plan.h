// What is done with one tree: its attack, how it is started, and how it is ended.
#ifndef WARDEN_TEST_ATTACK_PLAN_H_
#define WARDEN_TEST_ATTACK_PLAN_H_

#include <cstdint>
#include <string>

#include "test/attack/attacks.h"
#include "test/attack/rng.h"
#include "warden/warden.h"

namespace warden::attack {

enum class Way {
  kTerminate,
  kKill,
  kDestructor,
  kWaitOrTerminate,
  kBesideWait,
  kTwoThreads,
  kTerminateAll,
  kHostKilled,
  kHostKilledEarly,
  kHostExits,
  kHostAborts,
  kHostExecs,
  kHostCopyLives,
  kHostClosesAll,
};
constexpr const char* kWays[] = {"terminate",
                                 "kill",
                                 "destructor",
                                 "wait_or_terminate",
                                 "terminate beside wait",
                                 "terminate and kill at once",
                                 "terminate_all",
                                 "host killed",
                                 "host killed in its spawn",
                                 "host exits",
                                 "host aborts",
                                 "host executes",
                                 "host killed, a forked copy lives",
                                 "host closes everything, then killed"};

struct Options {
  int trees = 200;
  std::uint64_t seed = 1;
  int only = -1;
  std::string attack;
  std::string role;
  int left = 0;
  bool list = false;
  bool verbose = false;  // prints errors that are due, too
};

struct Plan {
  int index = 0;
  const Attack* attack = nullptr;
  Way way = Way::kTerminate;
  std::uint64_t seed = 0;
  bool drop = false;  // the tree is another user than the keeper
  bool in_group = true, own_session = false, by_thread = false;

  // Another user can do nothing to the keeper; what runs only by its name needs no keeper.
  Tolerance tolerance() const { return drop && !attack->only_by_name ? Tolerance::kNone : attack->tolerance; }
};

// The plan of one index, always the same.
Plan plan_of(const Options& options, int index);

// The descriptors are this process's, of the pipe and of the shared memory.
Result<Child, SpawnError> spawn_tree(const Plan& plan, int marker, int memory);

TerminationPolicy any_policy(Rng& rng);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_PLAN_H_

// The keeper of a tree, as a member of the tree finds it.
#ifndef WARDEN_TEST_ATTACK_FOUND_KEEPER_H_
#define WARDEN_TEST_ATTACK_FOUND_KEEPER_H_

#include "test/attack/member.h"
#include "test/attack/rng.h"

namespace warden::attack {

struct Keeper {
  int pid = -1;
  int pidfd = -1;  // the very process whose name was looked at
};

// The nearest keeper among the ancestors that belong to the tree or to its host; none for a tree that has lost it.
Keeper own_keeper();

// Lets one to three members, near and far, attack the keeper.
template <class Body>
void assault(Rng& rng, const Body& body) {
  scatter(rng);
  const auto attacker = [&body](Rng& own) {
    const Keeper keeper = own_keeper();
    if (keeper.pidfd < 0) shared->refused.fetch_add(1);
    if (keeper.pidfd >= 0) body(own, keeper);
    idle();
  };
  for (int n = 1 + rng.below(3); n > 0; --n) {
    if (rng.chance(50)) {
      bear(rng, attacker);
    } else {
      bear_daemon(rng, attacker);
    }
  }
}

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_FOUND_KEEPER_H_

// An attack: members that use the library themselves.
#include <stdlib.h>

#include <utility>

#include "test/attack/attacks.h"
#include "test/attack/member.h"
#include "test/attack/plan.h"
#include "test/attack/rng.h"
#include "test/attack/shared.h"
#include "warden/warden.h"

namespace warden::attack {

void attack_nested(Rng& rng) {
  constexpr const char* kInner[] = {"setsid", "daemon", "chains", "deaf", "orphans"};
  for (int n = 1 + rng.below(2); n > 0; --n) {
    bear(rng, [&kInner](Rng& own) {
      Plan inner;
      inner.attack = find_attack(kInner[own.below(5)]);
      inner.seed = own.next();
      Result<Child, SpawnError> child = spawn_tree(inner, kMarkerFd, kSharedFd);
      if (!child) return count_refusal(-1);
      own.jitter(5000);
      const int fate = own.below(5);
      if (fate == 0) static_cast<void>(child.value().terminate(any_policy(own)));
      if (fate == 1) abort();
      child.value().detach_on_destruction();
      if (fate == 2) {
        const Child dropped = std::move(child).value();
      }
      if (fate != 3) idle();
    });
  }
}

}  // namespace warden::attack

// Trees and strangers in a pid namespace with few numbers, which are soon another process's.
#ifndef WARDEN_TEST_ATTACK_RECYCLE_H_
#define WARDEN_TEST_ATTACK_RECYCLE_H_

#include <cstdint>

#include "test/attack/plan.h"

namespace warden::attack {

constexpr int kSkipped = 77;

// Returns 0, 1 after a broken promise, 2 after a hang, or kSkipped where there can be no such namespace.
int recycle(std::uint64_t seed);

// In the namespace: a few trees beside strangers that come and go.
int be_recycled(const Options& options);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_RECYCLE_H_

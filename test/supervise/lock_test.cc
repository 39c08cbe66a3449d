// The lock of a child is a type of its own: what asks for it takes no other mutex's.
#include <mutex>
#include <type_traits>

#include "gtest/gtest.h"
#include "lib/supervise/supervised.h"
#include "test/fake/fake_sys.h"

namespace warden::internal {
namespace {

using OtherLock = std::unique_lock<std::mutex>;

static_assert(std::is_invocable_v<decltype(&Leader::ended), Leader&, Lock&>);
static_assert(!std::is_invocable_v<decltype(&Leader::ended), Leader&, OtherLock&>);
static_assert(!std::is_invocable_v<decltype(&Changes::notify), Changes&, OtherLock&>);
static_assert(!std::is_invocable_v<decltype(&Supervised::is_end_seen), Supervised&, OtherLock&>);
static_assert(!std::is_constructible_v<Lock, OtherLock> && !std::is_constructible_v<Lock, std::mutex&>);
static_assert(std::is_constructible_v<Lock, Supervised&> && !std::is_convertible_v<Supervised&, Lock>);

#ifndef NDEBUG

class LockDeathTest : public ::testing::Test {
 protected:
  FakeSys sys_;
  Supervised child_{sys_, "child"};
  Supervised other_{sys_, "other"};
};

TEST_F(LockDeathTest, LockOfAnotherChildIsNoticed) {
  const Lock lock(other_);
  EXPECT_DEATH(child_.leader().ended(lock), "lock.mutex\\(\\)");
}

TEST_F(LockDeathTest, LockThatIsNotHeldIsNoticed) {
  Lock lock(child_);
  lock.unlock();
  EXPECT_DEATH(child_.leader().ended(lock), "owns_lock");
}

#endif

TEST(Lock, IsTheChildsOwn) {
  FakeSys sys;
  Supervised child(sys, "child");
  const Lock lock(child);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_FALSE(child.leader().ended(lock));
}

}  // namespace
}  // namespace warden::internal

#include "lib/supervise/spawn_streak.h"

#include <thread>

#include "gtest/gtest.h"

namespace warden::internal {
namespace {

// Returns how many starts there are, this one included, until one counts as part of a long streak.
int starts_until_long() {
  int starts = 1;
  while (!continue_spawn_streak()) ++starts;
  return starts;
}

TEST(SpawnStreak, IsLongAfterSoManyAndStaysSo) {
  end_spawn_streak();
  EXPECT_EQ(starts_until_long(), kLongStreak + 1);
  EXPECT_TRUE(continue_spawn_streak());
}

TEST(SpawnStreak, BeginsAnewAfterItsEnd) {
  starts_until_long();
  end_spawn_streak();
  EXPECT_EQ(starts_until_long(), kLongStreak + 1);
}

TEST(SpawnStreak, IsEachThreadsOwn) {
  starts_until_long();
  std::thread([] { EXPECT_FALSE(continue_spawn_streak()); }).join();
  EXPECT_TRUE(continue_spawn_streak());
}

}  // namespace
}  // namespace warden::internal

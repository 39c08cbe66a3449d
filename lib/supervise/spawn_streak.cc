#include "lib/supervise/spawn_streak.h"

namespace warden::internal {
namespace {

thread_local int streak = 0;

}  // namespace

bool continue_spawn_streak() {
  if (streak == kLongStreak) return true;
  ++streak;
  return false;
}

void end_spawn_streak() { streak = 0; }

}  // namespace warden::internal

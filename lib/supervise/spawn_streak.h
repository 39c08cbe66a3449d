// Whether a thread starts children and waits for none of them.
#ifndef WARDEN_LIB_SUPERVISE_SPAWN_STREAK_H_
#define WARDEN_LIB_SUPERVISE_SPAWN_STREAK_H_

namespace warden::internal {

// A thread that starts this many children in a row, without a wait between them, will start more.
inline constexpr int kLongStreak = 16;

// Counts one more start by this thread. True when kLongStreak came before it since the last end_spawn_streak().
bool continue_spawn_streak();

// This thread waits for a child, or gives one up.
void end_spawn_streak();

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_SPAWN_STREAK_H_

// Whether a thread starts children and waits for none of them.
#ifndef WARDEN_LIB_SUPERVISE_SPAWN_STREAK_H_
#define WARDEN_LIB_SUPERVISE_SPAWN_STREAK_H_

namespace warden::internal {

// This many children in a row, and no wait between them, are no accident.
inline constexpr int kLongStreak = 16;

// One more start by this thread. Whether kLongStreak came before it since the last end_spawn_streak().
bool continue_spawn_streak();

// This thread waits for a child, or gives one up.
void end_spawn_streak();

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_SPAWN_STREAK_H_

// What a test process and its guard tell each other: one packet each way for each request.
#ifndef WARDEN_LIB_TESTING_GUARD_MESSAGE_H_
#define WARDEN_LIB_TESTING_GUARD_MESSAGE_H_

#include <cstdint>

namespace warden_testing::internal {

struct GuardRequest {
  enum class Kind : std::int32_t {
    kStop,          // end, and leave everybody alone; no answer
    kWatchProcess,  // with the process's pidfd
    kWatchGroup,    // with the pidfd of the leader: the kernel can signal its group through that (Linux 6.9)
    kWatchByOwner,  // with the pidfd of the leader, and the two ends of a pipe whose read end has the group as its
                    // owner
  };
  Kind kind;
  std::uint32_t number;  // comes back in the answer
};

struct GuardAnswer {
  std::uint32_t number;
  std::int32_t error;  // 0, or an errno
};

inline constexpr int kMostGuardDescriptors = 3;

// More than a test has at a time: those that have ended without a trace make room.
inline constexpr int kMostGuarded = 1024;

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_GUARD_MESSAGE_H_

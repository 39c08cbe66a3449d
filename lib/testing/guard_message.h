// The messages between a test process and its guard: each request is one packet, and so is its answer.
#ifndef WARDEN_LIB_TESTING_GUARD_MESSAGE_H_
#define WARDEN_LIB_TESTING_GUARD_MESSAGE_H_

#include <cstdint>

namespace warden::testing::internal {

struct GuardRequest {
  enum class Kind : std::int32_t {
    kStop,          // exit, and kill no child; no answer
    kWatchProcess,  // with the child's pidfd
    kWatchGroup,    // with the leader's pidfd, through which the kernel can signal the group (Linux 6.9)
    kWatchByOwner,  // with the leader's pidfd, and both ends of a pipe whose read end the group owns
  };
  Kind kind;
  std::uint32_t number;  // the answer repeats it
};

struct GuardAnswer {
  std::uint32_t number;
  std::int32_t error;  // 0, or an errno
};

inline constexpr int kMostGuardDescriptors = 3;

// More children than a test has at a time: the guard forgets each one whose group is empty.
inline constexpr int kMostGuarded = 1024;

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_GUARD_MESSAGE_H_

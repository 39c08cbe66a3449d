// What a tree's processes write down about themselves, in memory that the observer shares. Knows nothing of warden.
#ifndef WARDEN_TEST_STORM_BOARD_H_
#define WARDEN_TEST_STORM_BOARD_H_

#include <stdint.h>
#include <time.h>

#include <atomic>

namespace storm {

constexpr int kBoardFd = 3;  // in every process of a tree
constexpr int kPipeFd = 4;   // held open by every process of a tree; its end of file tells that all are gone
constexpr int64_t kLifeNs = 20'000'000'000;
constexpr int kForks = 20'000;  // of a whole tree

inline int64_t now_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

inline void nap(int64_t ns) {
  const timespec time = {ns / 1'000'000'000, ns % 1'000'000'000};
  ::nanosleep(&time, nullptr);
}

// A process that changes its group or session by itself. It signs up before its first move.
struct Walker {
  std::atomic<int> pid{0};
  std::atomic<uint64_t> start{0};  // starttime of proc(5), which tells it from a later process of the same number
  std::atomic<bool> inside{true};
  std::atomic<int64_t> left_ns{0};      // the end of its last move out of the group
  std::atomic<int64_t> entering_ns{0};  // the begin of its last move into the group
  std::atomic<int64_t> entered_ns{0};   // the end of that move; 0 before the first
  std::atomic<bool> settled{false};     // has seen `frozen` or has left for good: moves no more
  std::atomic<bool> left{false};        // is outside for good, and records every signal from now on
  std::atomic<uint64_t> signals{0};     // that came since: bit N for signal N
  std::atomic<bool> ended{false};       // has ended by itself
};

struct Board {
  std::atomic<int> group{0};         // the leader's number
  std::atomic<int> leader_code{-1};  // the leader has called _exit with it, or is about to
  std::atomic<int64_t> deadline_ns{0};
  std::atomic<int> forks_left{kForks};
  std::atomic<bool> frozen{false};  // no walker begins another move
  std::atomic<int> walker_count{0};
  Walker walkers[24];

  int walkers_known() const {
    const int count = walker_count;
    return count < 24 ? count : 24;
  }
};

// The field of proc(5)'s stat, from 3 (the state) on; the command's name may contain anything.
inline const char* stat_field(const char* stat, int field) {
  const char* at = nullptr;
  for (const char* p = stat; *p != '\0'; ++p) {
    if (*p == ')') at = p + 1;
  }
  for (int i = 2; at != nullptr && i < field; ++i) {
    while (*at == ' ') ++at;
    if (i + 1 == field) return at;
    while (*at != ' ' && *at != '\0') ++at;
  }
  return "";
}

}  // namespace storm

#endif  // WARDEN_TEST_STORM_BOARD_H_

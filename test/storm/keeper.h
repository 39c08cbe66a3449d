// The first process of a mode's pid namespace: keeps bystanders that record every signal, gives them the numbers of
// ended children, collects orphans (late), and ends trees that the host could not end. Knows nothing of warden.
#ifndef WARDEN_TEST_STORM_KEEPER_H_
#define WARDEN_TEST_STORM_KEEPER_H_

#include <stdint.h>
#include <sys/types.h>

#include <atomic>

namespace storm {

constexpr int kWorkers = 4;
constexpr int kLastPid = 700;  // numbers are given again after it; also the limit of processes and threads of a mode

struct Bystander {
  std::atomic<int> pid{0};
  std::atomic<bool> is_to_end{false};
  std::atomic<int64_t> deadline_ns{0};
  std::atomic<uint64_t> signals{0};  // bit N-1 for signal N
  std::atomic<int> sender{0};
  std::atomic<int> worker{-1};  // for which it has taken a number
};

// What one worker of the host asks of the keeper. A request is done when the keeper has set it back.
struct Desk {
  std::atomic<uint64_t> seed{0};      // of the tree that the worker is at, for messages
  std::atomic<int> wanted_number{0};  // a bystander is to lead a group of this number, as soon as it is free
  std::atomic<bool> is_to_release{false};
  std::atomic<int> taken{0};        // bystanders that got such a number
  std::atomic<int> tree_to_end{0};  // the STORM_ID
};

struct Yard {
  Desk desks[kWorkers];
  Bystander bystanders[40];  // the keeper is the first, the host the second; then the three that stay
  std::atomic<int> struck{0};
  bool is_silent = false;            // prints no fault
  std::atomic<int> host_status{-1};  // as of waitpid(2)
};

constexpr int kFirstStaying = 2;
constexpr int kFirstPassing = 5;

// Records every signal that reaches this process from now on, but SIGCHLD; also in what it forks.
void record_signals(Bystander& self);

// REQUIRES: this is the first process of a pid namespace with its own /proc, and has one thread. Runs `host` in a child
// and returns at the host's end. All other processes end with this one.
void keep(Yard& yard, uint64_t seed, void (*host)(void*), void* context);

}  // namespace storm

#endif  // WARDEN_TEST_STORM_KEEPER_H_

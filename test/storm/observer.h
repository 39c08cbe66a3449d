// Looks for live members of a tree's group, by /proc and by what the tree itself writes down. Knows nothing of warden.
#ifndef WARDEN_TEST_STORM_OBSERVER_H_
#define WARDEN_TEST_STORM_OBSERVER_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "test/storm/board.h"

namespace storm {

// A live process of a tree.
struct Found {
  int pid = 0;
  int group = 0;
  uint64_t start = 0;
  std::string text;  // "pid 312 (storm_tree) state S group 300 parent 1 threads 1"
};

// The live processes with STORM_ID=id in their environment, wherever they have gone. A process is dead in state Z or X
// when all its threads are.
std::vector<Found> live_processes(const std::string& id);

struct Sight {
  std::vector<std::string> members;  // in the group when the call returned, or the leader anywhere: a false Ok
  int came_back = 0;                 // of these, walkers that had been outside before
  int survivors = 0;                 // of these, alive 300 ms later
  int moved = 0;                     // alive, and outside the group by themselves when the call returned
};

// Looks after a call that has said Ok at `returned_ns`. `pipe` is the read end of the pipe that the tree holds. Freezes
// the walkers. One that came back less than `grace_ns` before the return has moved by itself, and makes no false Ok.
Sight look_for_members(const std::string& id, int group, Board& board, int pipe, int64_t returned_ns, int64_t grace_ns);

// The same for a tree, whose every live process makes a false Ok.
Sight look_for_tree(const std::string& id, Board& board, int pipe);

// The walkers that left the group for good and then got a signal, or died of one.
std::vector<std::string> look_for_struck_walkers(const Board& board, int leader);

}  // namespace storm

#endif  // WARDEN_TEST_STORM_OBSERVER_H_

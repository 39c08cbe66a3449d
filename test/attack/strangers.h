// Strangers: processes that have nothing to do with any tree, and must never see a signal.
#ifndef WARDEN_TEST_ATTACK_STRANGERS_H_
#define WARDEN_TEST_ATTACK_STRANGERS_H_

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <vector>

namespace warden::attack {

// What happened to them.
struct Board {
  std::atomic<int> signals, number, sender, stop, made;
};
extern Board* board;

bool map_board();

class Strangers {
 public:
  void start();

  // Ends them; false if something had happened to one.
  bool end();

 private:
  // In the host's group, in a group of its own, in a session of its own, and again in the host's group.
  [[noreturn]] static void live(int kind, const sigset_t& mask);

  std::vector<int> pids_;
};

// Strangers that come and go all the time, in groups and sessions whose numbers others had a moment ago.
[[noreturn]] void churn(std::uint64_t seed);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_STRANGERS_H_

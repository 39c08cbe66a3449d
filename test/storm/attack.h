// Starts a random tree under warden, ends it by a random call, and has the observer judge what the call said.
#ifndef WARDEN_TEST_STORM_ATTACK_H_
#define WARDEN_TEST_STORM_ATTACK_H_

#include <stdint.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/storm/keeper.h"
#include "test/storm/random.h"
#include "warden/warden.h"

namespace storm {

// The counts of a mode, in memory that the host shares with its parent.
struct Counts {
  std::atomic<int> trees{0};
  std::atomic<int> calls{0};  // those that ended with Ok or an error
  std::atomic<int> oks{0};
  std::atomic<int> lost{0};  // statuses that were reported as lost
  std::atomic<int> false_oks{0};
  std::atomic<int> came_back{0};  // members of false Oks that had moved before
  std::atomic<int> survivors{0};
  std::atomic<int> struck_walkers{0};
  std::atomic<int> exceeded{0};
  std::atomic<int> made_up{0};
  std::atomic<int> moved{0};
  char errors[1000] = {};  // "2 operation not permitted, 1 ..."
};

// What a caller of warden may be: kForget says Ok and does nothing (for the self-check).
enum class Call {
  kTerminate,
  kTimeouts,
  kReport,
  kKill,
  kAll,
  kKillMeanwhile,
  kDestroy,
  kTerminateOnDestruction,
  kForget
};

struct Order {
  std::string mode;
  bool is_contained = false;      // as of the mode
  std::string kind;               // of the only process of the tree besides its leader; empty for random trees
  int64_t grace_ns = 20'000'000;  // as of look_for_members
  bool is_forgotten = false;      // nothing is done, and Ok is said
  bool strikes = false;           // signals strangers
  bool is_silent = false;         // prints no fault
};

class Tree;

// One worker's attacks, one after the other.
class Attack {
 public:
  Attack(const Order& order, int worker, Yard& yard, Counts& counts);
  ~Attack();

  void run(uint64_t seed);

 private:
  struct Outcome {
    std::optional<std::string> error;
    std::optional<warden::ExitStatus> status;
    int64_t returned_ns = 0;
    int64_t queued_ns = 0;  // see Instant
  };

  Outcome outcome_of(const warden::Result<warden::ExitStatus, warden::TerminationError>& result);
  Outcome outcome_of(const warden::Result<warden::TerminationReport, warden::TerminationError>& result);
  std::vector<Outcome> call(Call which, const warden::TerminationPolicy& policy);
  Outcome destroy(Tree& tree, int64_t bound_ns);
  void judge(Tree& tree, const Outcome& outcome);
  void judge_status(Tree& tree, const warden::ExitStatus& status);
  void call_again(Random& random);
  void strike();
  void clean_up();
  void end(const Tree& tree);
  // When a call began or ended. What its thread waits for a processor is the machine's fault, and not the call's.
  struct Instant {
    int64_t ns;
    int64_t queued_ns;  // of this thread (/proc/thread-self/schedstat); 0 where the kernel does not count it
  };
  static Instant this_instant();
  // Returns for how long this thread had no processor since then.
  int64_t check_time(const Instant& began, int64_t bound_ns, const char* what);
  void fault(const std::string& what);

  const Order& order_;
  Yard& yard_;
  Desk& desk_;
  Counts& counts_;
  const int worker_;
  int next_id_;
  uint64_t seed_ = 0;
  std::string call_;  // in words
  std::vector<int> sent_;
  std::vector<std::unique_ptr<Tree>> trees_;
};

}  // namespace storm

#endif  // WARDEN_TEST_STORM_ATTACK_H_

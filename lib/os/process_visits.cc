#include "lib/os/process_visits.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace warden::internal {
namespace {

// How often the processes that were not seen are looked for: each time the numbers may have come to another old one.
constexpr int kMostRounds = 8;

}  // namespace

bool visit_in_order(const ProcessVisits& processes, const std::vector<int>& pids, int newest,
                    const VisitProcess& visit) {
  constexpr int kNone = std::numeric_limits<int>::max();
  std::set<int> old, visited;
  const auto visit_one = [&](int pid) {
    visited.insert(pid);
    return visit(pid);
  };
  for (const int pid : pids) {
    if (pid > newest && old.insert(pid).second && !visit_one(pid)) return false;
  }
  int next_old = 0;  // the first that the numbers have not come to; kNone behind the last
  // Follows the numbers to there. False where that fails.
  const auto follow_numbers = [&] {
    do {
      const int first = std::exchange(next_old, kNone);
      const bool is_whole = processes.visit_from(first, [&](int pid) {
        const bool is_ahead = pid > newest && old.count(pid) != 0;
        if (is_ahead) next_old = pid;
        return !is_ahead && visit_one(pid);
      });
      if (!is_whole && next_old == kNone) return false;
      if (next_old != kNone) newest = processes.newest();
    } while (next_old != kNone && newest >= next_old);
    return true;
  };
  const auto was_visited = [&visited](int pid) { return visited.count(pid) != 0; };
  // One that was not seen may have others before it ends, which are visited, too.
  const auto visit_unseen = [&] {
    std::vector<int> now;
    if (!processes.list(&now)) return false;
    return std::all_of(now.begin(), now.end(), was_visited) ||
           processes.visit_from(0, [&](int pid) { return was_visited(pid) || visit_one(pid); });
  };
  for (int i = 0; i < kMostRounds; ++i) {
    if (!follow_numbers() || !visit_unseen()) return false;
    if (next_old == kNone) return true;
    newest = processes.newest();
    if (newest < next_old) return true;
  }
  return false;
}

}  // namespace warden::internal

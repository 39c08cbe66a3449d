#include "lib/os/process_visits.h"

#include <algorithm>
#include <limits>
#include <set>

namespace warden::internal {

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
  int first_left_out = 0;
  do {
    const int first = first_left_out;
    first_left_out = kNone;
    const bool is_whole = processes.visit_from(first, [&](int pid) {
      const bool is_left_out = pid > newest && old.count(pid) != 0;
      if (is_left_out) first_left_out = std::min(first_left_out, pid);
      return is_left_out || visit_one(pid);
    });
    if (!is_whole) return false;
    if (!processes.visit_from(0, [&](int pid) { return visited.count(pid) != 0 || visit_one(pid); })) return false;
    if (first_left_out != kNone) newest = processes.newest();
  } while (first_left_out != kNone && newest >= first_left_out);  // the numbers have come to it meanwhile
  return true;
}

}  // namespace warden::internal

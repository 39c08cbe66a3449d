// In which order a reading of /proc visits the processes, so that it misses none that lives at its end.
#ifndef WARDEN_LIB_OS_PROCESS_VISITS_H_
#define WARDEN_LIB_OS_PROCESS_VISITS_H_

#include <functional>
#include <vector>

namespace warden::internal {

using VisitProcess = std::function<bool(int pid)>;

// What a reading needs of /proc.
struct ProcessVisits {
  // Visits each process from `first` on in ascending order, and looks for the next one only after each visit. False
  // where a visit returns false, which ends it, or where processes may be missing.
  std::function<bool(int first, const VisitProcess& visit)> visit_from;
  // A list of all, at once. False where it cannot be had.
  std::function<bool(std::vector<int>* pids)> list;
  // The number that the kernel has given last.
  std::function<int()> newest;
};

// Visits the processes of `pids` that are above `newest`, and then all in ascending order as far as the numbers have
// come meanwhile: so an old one only where its number may have been given to another since it was visited. Last it
// visits those whose numbers it has passed and not seen: the kernel gives the number some time before it shows the
// process. `pids`: a list of all, made when `newest` was the number given last. False as visit_from(), and where the
// numbers come to old processes as fast as this follows.
bool visit_in_order(const ProcessVisits& processes, const std::vector<int>& pids, int newest,
                    const VisitProcess& visit);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PROCESS_VISITS_H_

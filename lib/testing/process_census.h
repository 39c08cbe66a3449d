// The processes, descriptors and threads that this process has.
#ifndef WARDEN_LIB_TESTING_PROCESS_CENSUS_H_
#define WARDEN_LIB_TESTING_PROCESS_CENSUS_H_

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "lib/os/process_table.h"

namespace warden_testing::internal {

using warden::internal::ProcessStat;

struct ProcessCensus {
  std::map<int, std::string> descriptors;  // by number: what /proc says that it is
  std::map<int, std::string> threads;      // by tid: the name
  std::map<int, ProcessStat> children;     // by pid; clones without a signal at their end, too
  bool has_child = false;                  // by waitid(2), which a thread's own list in /proc may lag behind
  bool is_known = false;                   // /proc could be read
  int pid = -1;                            // whose census this is

  static ProcessCensus take();
};

// What is in `after` and not in `before`, a line each (leak_check.h).
std::vector<std::string> find_leaks(const ProcessCensus& before, const ProcessCensus& after);

// Waits while there are more threads than before: one that was joined may stay in /proc for an instant. At most so
// long, looking again and again.
void wait_for_threads(const ProcessCensus& before, std::chrono::milliseconds bound);

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_PROCESS_CENSUS_H_

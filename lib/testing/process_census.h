// Lists the children, descriptors and threads of this process.
#ifndef WARDEN_LIB_TESTING_PROCESS_CENSUS_H_
#define WARDEN_LIB_TESTING_PROCESS_CENSUS_H_

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "lib/os/process_table.h"

namespace warden::testing::internal {

using warden::internal::ProcessStat;

struct ProcessCensus {
  std::map<int, std::string> descriptors;  // by number: what /proc says it is
  std::map<int, std::string> threads;      // by tid: the name
  std::map<int, ProcessStat> children;     // by pid, with those of contained trees; clones without an exit signal, too
  bool has_child = false;                  // by waitid(2): the list of a thread in /proc may lag behind it
  bool is_known = false;                   // /proc could be read
  int pid = -1;                            // whose census this is

  static ProcessCensus take();
};

// Lists what is in `after` and not in `before`, a line each (leak_check.h).
std::vector<std::string> find_leaks(const ProcessCensus& before, const ProcessCensus& after);

// Waits, for the bound at most, until every thread that is new since `before` has gone: a joined one may stay in /proc
// for a moment. Polls.
void wait_for_threads(const ProcessCensus& before, std::chrono::milliseconds bound);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_PROCESS_CENSUS_H_

// The state of this process that must be the same after a test as before it.
#ifndef WARDEN_TEST_SUPPORT_PROCESS_SNAPSHOT_H_
#define WARDEN_TEST_SUPPORT_PROCESS_SNAPSHOT_H_

#include <map>
#include <string>
#include <vector>

#include "lib/testing/process_census.h"

namespace warden::test_support {

struct ProcessSnapshot : warden::testing::internal::ProcessCensus {
  std::map<std::string, std::string> setting;  // see process_setting.h

  // State that each thread has is the calling thread's.
  static ProcessSnapshot take();
};

// Returns the differences, one line each. Children count as differences even if they were there before.
std::vector<std::string> differences(const ProcessSnapshot& before, const ProcessSnapshot& after);

// The same, compared with the present state. A joined thread may stay in /proc for an instant: while there are more
// threads than before, it looks again, for ten seconds at most.
std::vector<std::string> differences_once_settled(const ProcessSnapshot& before);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PROCESS_SNAPSHOT_H_

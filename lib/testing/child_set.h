// The children of one test: started, watched and ended.
#ifndef WARDEN_LIB_TESTING_CHILD_SET_H_
#define WARDEN_LIB_TESTING_CHILD_SET_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "warden/child.h"
#include "warden/command.h"
#include "warden/termination_policy.h"
#include "warden/testing/spawn_options.h"

namespace warden_testing::internal {

struct TrackedChild {
  warden::Child child;
  SpawnOptions options;
  Location where;
};

using TrackedChildren = std::vector<std::unique_ptr<TrackedChild>>;

// The destructor ends what is left. In a forked copy of the process all of it does nothing.
class ChildSet {
 public:
  ChildSet();
  ~ChildSet();
  ChildSet(const ChildSet&) = delete;
  ChildSet& operator=(const ChildSet&) = delete;

  // Null when the child is not there or not ready; the test has failed then.
  warden::Child* spawn(const warden::Command& command, const SpawnOptions& options, const Location& where);

  // In place of one by one. A wrong policy fails the test, and changes nothing.
  void end_all_at_once(const warden::TerminationPolicy& policy, const Location& where);

  // Ends all of them, and says what is to be said.
  void tear_down();

 private:
  // From here on the child is the set's.
  TrackedChild& adopt(warden::Child child, const SpawnOptions& options, const Location& where);

  // `problem`: what is known to be wrong with them, besides how they end.
  void finish(TrackedChildren children, const std::optional<warden::TerminationPolicy>& at_once,
              const std::optional<std::string>& problem);

  TrackedChildren children_;  // in the order of their spawns
  std::optional<warden::TerminationPolicy> at_once_;
  int exceptions_before_;
};

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_CHILD_SET_H_

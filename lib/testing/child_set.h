// Starts, watches and ends the children of one test.
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
#include "warden/testing/started_child.h"

namespace warden::testing::internal {

struct TrackedChild {
  warden::Child child;
  SpawnOptions options;
  Location where;
};

using TrackedChildren = std::vector<std::unique_ptr<TrackedChild>>;

// The destructor ends the children that are left. In a forked copy of the process the set leaves the original's
// children alone.
class ChildSet {
 public:
  ChildSet();
  ~ChildSet();
  ChildSet(const ChildSet&) = delete;
  ChildSet& operator=(const ChildSet&) = delete;

  // The result says why when the child was not started or did not get ready.
  StartedChild spawn(const warden::Command& command, const SpawnOptions& options, const Location& where);

  // Has tear_down() end all children at the same time, not one by one. An invalid policy fails the test, and changes
  // nothing.
  void end_all_at_once(const warden::TerminationPolicy& policy, const Location& where);

  // Ends all children. Reports each child that has a problem, and in a failed test the output of every child.
  void tear_down();

 private:
  // Removes the child from the set, and ends it. Returns the whole story.
  std::string end_unready(const TrackedChild& tracked, const std::string& problem);

  // Ends the children and reports.
  void end(TrackedChildren children);

  TrackedChildren children_;  // in the order of their spawns
  std::optional<warden::TerminationPolicy> at_once_;
  int exceptions_before_;
};

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_CHILD_SET_H_

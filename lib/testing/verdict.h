// What is wrong with how a child of a test ended.
#ifndef WARDEN_LIB_TESTING_VERDICT_H_
#define WARDEN_LIB_TESTING_VERDICT_H_

#include <optional>
#include <string>

#include "warden/attempt_log.h"
#include "warden/child.h"
#include "warden/termination_error.h"
#include "warden/termination_report.h"

namespace warden::testing::internal {

using Outcome = warden::Result<warden::TerminationReport, warden::TerminationError>;

// What is known of a child before its ChildSet ends it.
struct Sight {
  bool has_ended = false;
  bool end_was_seen = false;      // a call has told the test of the end
  bool was_asked_to_end = false;  // the test has sent a signal that asks the child to end
  bool is_ours = true;            // false in a forked copy
  warden::AttemptLog attempts;    // the test's own attempts to end the child
};

Sight look_at(const warden::Child& child);

// Empty when nothing is wrong.
std::optional<std::string> problem_with(const Sight& before, bool may_exit, const Outcome& outcome);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_VERDICT_H_

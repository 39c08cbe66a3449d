// Short ways to run a child to its end.
#ifndef WARDEN_TEST_SUPPORT_RUN_HELPERS_H_
#define WARDEN_TEST_SUPPORT_RUN_HELPERS_H_

#include <functional>
#include <string>

#include "warden/warden.h"

namespace warden::test_support {

Command shell(const std::string& script);

// Options that feed the text.
RunOptions feeding(std::string text);

// Runs with a timeout that grows until the result is as wanted: until the child had the time to come to the point that
// the test is about. Fails the test when a minute is not enough.
RunResult run_until(const Command& command, RunOptions options, const std::function<bool(const RunResult&)>& is_wanted);

// The error of a run that has to fail; fails the test when it does not.
RunError error_of_run(const Command& command, const RunOptions& options = {});

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_RUN_HELPERS_H_

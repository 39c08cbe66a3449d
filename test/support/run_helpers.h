// Short ways to run a child to its end.
#ifndef WARDEN_TEST_SUPPORT_RUN_HELPERS_H_
#define WARDEN_TEST_SUPPORT_RUN_HELPERS_H_

#include <functional>
#include <string>

#include "warden/warden.h"

namespace warden::test_support {

Command shell(const std::string& script);

// Returns options that feed the text to stdin.
RunOptions feeding(std::string text);

// Runs the command with a growing timeout until the result is as wanted: until the child had the time to reach the
// point that the test is about. Fails the test when a minute is not enough.
RunResult run_until(const Command& command, RunOptions options, const std::function<bool(const RunResult&)>& is_wanted);

// Returns the error of a run that has to fail; fails the test when it succeeds.
RunError error_of_run(const Command& command, const RunOptions& options = {});

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_RUN_HELPERS_H_

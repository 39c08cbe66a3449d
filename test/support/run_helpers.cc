#include "test/support/run_helpers.h"

#include <utility>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"

namespace warden::test_support {

Command shell(const std::string& script) {
  Command command("/bin/sh");
  command.args({"-c", script}).name("sh");
  return command;
}

RunOptions feeding(std::string text) {
  RunOptions options;
  options.stdin_text = std::move(text);
  return options;
}

RunResult run_until(const Command& command, RunOptions options,
                    const std::function<bool(const RunResult&)>& is_wanted) {
  for (absl::Duration timeout = absl::Milliseconds(20);; timeout *= 3) {
    options.timeout = timeout;
    RunResult result = run(command, options).value();
    if (is_wanted(result)) return result;
    if (timeout < kBound) continue;
    ADD_FAILURE() << "not in " << options.timeout << ": " << result.stdout_output.text();
    return result;
  }
}

RunError error_of_run(const Command& command, const RunOptions& options) {
  Result<RunResult, RunError> result = run(command, options);
  if (!result) return std::move(result).error();
  ADD_FAILURE() << "the run succeeded: " << result.value().status;
  return {};
}

}  // namespace warden::test_support

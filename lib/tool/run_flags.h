// The command line of `warden run`.
#ifndef WARDEN_LIB_TOOL_RUN_FLAGS_H_
#define WARDEN_LIB_TOOL_RUN_FLAGS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace warden::tool {

enum class ReportFormat { kText, kJson, kNone };

struct RunFlags {
  absl::Duration timeout = absl::InfiniteDuration();
  absl::Duration interrupt_timeout = absl::Seconds(1);
  absl::Duration terminate_timeout = absl::Seconds(5);
  std::string name;  // empty: the program
  std::optional<std::string> cwd;
  std::vector<std::pair<std::string, std::string>> env;
  // Empty: text, and only after an escalation or trouble with the streams. With the flag the report is always written.
  std::optional<ReportFormat> report;
  std::optional<std::string> report_file;  // empty: stderr
  std::size_t tail = 0;                    // lines; 0: none
  std::size_t capture_limit = 64 * 1024;   // bytes
  std::string ready_line;                  // empty: none
  absl::Duration ready_timeout = absl::Minutes(1);
  std::vector<std::string> program;  // and its arguments
};

// What to do after parsing: run, or print `message` (to stdout for help and version) and exit.
struct ParsedFlags {
  std::optional<RunFlags> run;
  std::string message;
  int exit_code = 0;
};

ParsedFlags parse_flags(int argc, const char* const* argv);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_RUN_FLAGS_H_

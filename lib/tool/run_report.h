// What `warden run` reports about one run.
#ifndef WARDEN_LIB_TOOL_RUN_REPORT_H_
#define WARDEN_LIB_TOOL_RUN_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "lib/tool/run_output.h"
#include "warden/attempt_log.h"
#include "warden/exit_status.h"
#include "warden/signal.h"
#include "warden/termination_error.h"
#include "warden/termination_report.h"

namespace warden::tool {

struct RunReport {
  std::string name;
  int pid = -1;
  std::optional<ExitStatus> status;  // empty when the program could not be ended
  bool timed_out = false;
  std::optional<Signal> received;        // the first signal that the tool received
  std::optional<AttemptPhase> ended_by;  // empty when the program ended by itself
  std::optional<EndCause> cause;         // the same
  bool forced = false;
  Containment containment = Containment::kGroup;   // of the child
  std::optional<std::vector<Survivor>> survivors;  // empty when they were not looked for
  std::optional<ReadyState> ready;                 // with --ready-line
  std::optional<RunOutput> output;                 // where the streams went through the tool
  absl::Duration elapsed;
  AttemptLog attempts;
  std::string error;  // why it, or the rest of its group, could not be ended; empty when all were

  // True when there is more to report than the exit code.
  bool had_escalation() const { return !attempts.empty(); }
  // True when the streams, or what was looked for in them, are worth a report.
  bool has_output_trouble() const;
};

// A headline and one attempt a line.
std::string to_text(const RunReport& report);

// One JSON object on one line, as docs/tool.md describes it.
std::string to_json(const RunReport& report);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_RUN_REPORT_H_

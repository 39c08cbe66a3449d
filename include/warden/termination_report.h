// What a successful termination did.
#ifndef WARDEN_TERMINATION_REPORT_H_
#define WARDEN_TERMINATION_REPORT_H_

#include <optional>
#include <vector>

#include "warden/attempt_log.h"
#include "warden/exit_status.h"
#include "warden/termination_error.h"

namespace warden {

struct TerminationReport {
  ExitStatus status;

  // The phase in which the last of it went; kPreflight when nothing was left to end before the first signal.
  AttemptPhase ended_by = AttemptPhase::kPreflight;

  // True when a SIGKILL of ours was sent before the end.
  bool forced = false;

  // Processes of the group that outlived the leader and had to be ended after it, as they were first seen.
  std::vector<Survivor> survivors;

  AttemptLog attempts;
};

}  // namespace warden

#endif  // WARDEN_TERMINATION_REPORT_H_

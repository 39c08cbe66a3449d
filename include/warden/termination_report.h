// What a successful termination did.
#ifndef WARDEN_TERMINATION_REPORT_H_
#define WARDEN_TERMINATION_REPORT_H_

#include <iosfwd>
#include <string_view>
#include <vector>

#include "warden/attempt_log.h"
#include "warden/containment.h"
#include "warden/exit_status.h"
#include "warden/termination_error.h"

namespace warden {

// What ended the leader. A status says how it ended and not why; the cause follows from the status and the signals that
// this library sent (in this call, in earlier ones and manual ones), as far as they allow to say.
enum class EndCause {
  kNatural,    // it exited, and no signal of ours had been sent to it
  kByUs,       // it died of a signal that we had sent, or exited after one (its handler, or by chance at that time)
  kByAnother,  // it died of a signal that we had not sent: another process's, the kernel's, or its own crash
  kUnknown,    // the status is lost
};

// "natural", "by_us", "by_another", "unknown".
std::string_view to_string(EndCause cause);

struct TerminationReport {
  ExitStatus status;

  // The phase in which the last process went; kPreflight when none was left before the first signal.
  AttemptPhase ended_by = AttemptPhase::kPreflight;

  EndCause cause = EndCause::kNatural;

  // True when a SIGKILL of ours was sent before the end; else the end was graceful.
  bool forced = false;

  // Processes of the group or the tree that outlived the leader and had to be ended after it, as they were first seen.
  std::vector<Survivor> survivors = {};

  AttemptLog attempts = {};

  Containment containment = Containment::kGroup;  // of the child: what has been ended
};

std::ostream& operator<<(std::ostream& out, EndCause cause);
// "killed by SIGTERM in phase terminate (by_us)", the processes that outlived the leader, and every attempt.
std::ostream& operator<<(std::ostream& out, const TerminationReport& report);

}  // namespace warden

#endif  // WARDEN_TERMINATION_REPORT_H_

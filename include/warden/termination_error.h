// Why a child could not be signalled or ended, with everything that was tried.
#ifndef WARDEN_TERMINATION_ERROR_H_
#define WARDEN_TERMINATION_ERROR_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "warden/attempt_log.h"
#include "warden/containment.h"
#include "warden/error.h"

namespace warden {

// A process of the child's group that was alive when the library looked.
struct Survivor {
  int pid = 0;
  std::string program;  // the kernel's short name (comm), at most 15 bytes
  friend bool operator==(const Survivor& a, const Survivor& b) { return a.pid == b.pid && a.program == b.program; }
  friend bool operator!=(const Survivor& a, const Survivor& b) { return !(a == b); }
};

// A process that was still there at the end, as /proc shows it: why SIGKILL has not ended it, where that shows.
struct StuckProcess {
  int pid = 0;
  std::string program;
  char state = '?';            // proc(5): D uninterruptible, Z dead and not reaped, t stopped by its tracer, T stopped
  int tracer_pid = 0;          // the process that traces it; 0 for none
  std::string tracer_program;  // empty where that cannot be read
  int uid = -1;                // its real user id, which decides who may signal it (kill(2), EPERM)
  std::string wait_channel;    // where in the kernel it sleeps ("__refrigerator": frozen); empty if not known

  // "1234 (sleep), state Z, traced by 99 (gdb)".
  std::string to_string() const;
};

// The child stays supervised, and the call can be made again.
struct TerminationError {
  enum class Kind {
    kRefused,            // a bad argument, a handle that is not usable, or a callback's thread: nothing was tried
    kSignalFailed,       // a manual signal could not be sent
    kTerminationFailed,  // the escalation went through to its end, and the child or its group is still there
  };
  Kind kind = Kind::kTerminationFailed;

  // Why it failed: an Errc (kStillRunning, kNotReapable, kSurvivors, kGroupUnknown, ...) or the errno of the failed
  // signal (EPERM).
  std::error_code code;
  std::string process_name;

  // Everything that was tried, in order.
  AttemptLog attempts = {};

  // The processes that were left of the group, where that could be known.
  std::vector<Survivor> survivors = {};

  // What keeps the child, and what keeps the survivors (16 at most), where /proc could be read.
  std::vector<StuckProcess> stuck = {};

  std::optional<InvalidArgument> invalid_argument = std::nullopt;  // set when the call itself was refused

  Containment containment = Containment::kGroup;  // of the child: what was to be ended

  // The headline, the process name, and every attempt with its error's text.
  std::string to_string() const;
};

// "refused", "signal_failed", "termination_failed".
std::string_view to_string(TerminationError::Kind kind);

std::error_code make_error_code(const TerminationError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const TerminationError& error);
std::ostream& operator<<(std::ostream& out, TerminationError::Kind kind);
std::ostream& operator<<(std::ostream& out, const Survivor& survivor);
std::ostream& operator<<(std::ostream& out, const StuckProcess& process);
std::ostream& operator<<(std::ostream& out, const TerminationError& error);

}  // namespace warden

#endif  // WARDEN_TERMINATION_ERROR_H_

// What Child::wait_or_terminate returns: how a child ended within its time, or how it was terminated after it.
#ifndef WARDEN_WAIT_OR_TERMINATE_H_
#define WARDEN_WAIT_OR_TERMINATE_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/time/time.h"
#include "warden/error.h"
#include "warden/exit_status.h"
#include "warden/termination_error.h"
#include "warden/termination_report.h"

namespace warden {

struct WaitOrTerminateResult {
  ExitStatus status;

  // The time that the child was given.
  absl::Duration timeout;

  // Empty when the child ended within that time. Else the time passed, and this says how the child was terminated. A
  // child that ended by itself in the moment in which its time passed has its own status here, and EndCause::kNatural.
  std::optional<TerminationReport> termination = std::nullopt;

  bool timed_out() const { return termination.has_value(); }
};

struct WaitOrTerminateError {
  enum class Kind {
    kRefused,                   // a bad argument, a handle that is not usable, a callback's thread: nothing was done
    kWaitFailed,                // the wait broke, and the child was terminated for it: see `termination`
    kTerminationFailed,         // the time passed, and the child could not be terminated
    kWaitAndTerminationFailed,  // the wait broke, and the child could not be terminated either
  };
  Kind kind = Kind::kTerminationFailed;
  std::error_code code;  // that of the termination's error if there is one, else of the wait's
  std::string process_name;
  absl::Duration timeout;  // that the child was given

  std::optional<WaitError> wait_error = std::nullopt;
  std::optional<TerminationReport> termination = std::nullopt;  // kWaitFailed only
  std::optional<TerminationError> termination_error = std::nullopt;
  std::optional<InvalidArgument> invalid_argument = std::nullopt;  // set when the call itself was refused

  // Every part that is there, with its attempts.
  std::string to_string() const;
};

// "refused", "wait_failed", "termination_failed", "wait_and_termination_failed".
std::string_view to_string(WaitOrTerminateError::Kind kind);

std::error_code make_error_code(const WaitOrTerminateError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const WaitOrTerminateError& error);
std::ostream& operator<<(std::ostream& out, WaitOrTerminateError::Kind kind);
// The status, or how the child was terminated after its time.
std::ostream& operator<<(std::ostream& out, const WaitOrTerminateResult& result);
std::ostream& operator<<(std::ostream& out, const WaitOrTerminateError& error);

}  // namespace warden

#endif  // WARDEN_WAIT_OR_TERMINATE_H_

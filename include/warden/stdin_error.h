// Why Child::write_stdin did not write everything.
#ifndef WARDEN_STDIN_ERROR_H_
#define WARDEN_STDIN_ERROR_H_

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "warden/error.h"

namespace warden {

// The first `written` bytes went into the pipe; whether the child has read them is not known.
struct StdinError {
  enum class Kind {
    kRefused,     // a negative timeout, a handle that is not usable, a callback's thread: nothing was done
    kClosed,      // there is no pipe, or it was closed: earlier, or meanwhile by another thread
    kTimedOut,    // the child did not read in time
    kNoReader,    // the child has closed its stdin, or has just ended
    kChildEnded,  // the child has ended; a process that still holds the pipe does not get the rest
    kFailed,      // anything else: see `code`
  };
  Kind kind = Kind::kFailed;
  std::error_code code;  // EBADF for kClosed, ETIMEDOUT for kTimedOut, EPIPE for kNoReader and kChildEnded
  std::string process_name;
  std::size_t written = 0;
  std::optional<InvalidArgument> invalid_argument = std::nullopt;  // set when the call itself was refused

  std::string to_string() const;
};

// "refused", "closed", "timed_out", "no_reader", "child_ended", "failed".
std::string_view to_string(StdinError::Kind kind);

std::error_code make_error_code(const StdinError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const StdinError& error);
std::ostream& operator<<(std::ostream& out, StdinError::Kind kind);
std::ostream& operator<<(std::ostream& out, const StdinError& error);

}  // namespace warden

#endif  // WARDEN_STDIN_ERROR_H_

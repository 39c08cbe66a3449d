// The two halves of each call on a handle: what refuses it, and what it holds while it is made.
#ifndef WARDEN_LIB_CHILD_CALL_H_
#define WARDEN_LIB_CHILD_CALL_H_

#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "lib/child/handle.h"
#include "lib/os/cancellation_guard.h"
#include "warden/error.h"
#include "warden/output.h"
#include "warden/stdin_error.h"
#include "warden/termination_error.h"
#include "warden/wait_or_terminate.h"

namespace warden::internal {

// Why a call is refused before it does anything; false if it is not. Converts to the error type of each call.
class Refusal {
 public:
  Refusal(const Handle* handle, std::error_code code, std::optional<InvalidArgument> invalid = std::nullopt)
      : handle_(handle), code_(code), invalid_(std::move(invalid)) {}

  explicit operator bool() const { return static_cast<bool>(code_); }

  std::error_code code() const { return code_; }
  std::string process_name() const { return handle_ == nullptr ? std::string() : handle_->supervised->name(); }

  operator WaitError() const { return {code_, process_name(), invalid_}; }
  operator StdinError() const { return {StdinError::Kind::kRefused, code_, process_name(), 0, invalid_}; }
  operator OutputError() const { return {code_, process_name(), std::nullopt, invalid_}; }
  operator TerminationError() const {
    return {TerminationError::Kind::kRefused, code_, process_name(), {}, {}, {}, invalid_};
  }
  WaitOrTerminateError with_timeout(absl::Duration timeout) const {
    return {WaitOrTerminateError::Kind::kRefused, code_, process_name(), timeout, {}, {}, {}, invalid_};
  }

 private:
  const Handle* handle_;
  std::error_code code_;
  std::optional<InvalidArgument> invalid_;
};

// Refuses a handle that was moved from or belongs to another process; then a wrong argument.
inline Refusal refuse(const Handle* handle, std::optional<InvalidArgument> invalid = std::nullopt) {
  if (handle == nullptr) return {handle, Errc::kEmptyHandle};
  if (!is_this_process(handle->owner)) return {handle, Errc::kNotOwner};
  if (!invalid.has_value()) return {handle, {}};
  const std::error_code code = make_error_code(*invalid);
  return {handle, code, std::move(invalid)};
}

// The same for a call that waits for the child: in a callback of the child's output it is refused, since it would keep
// the child from what it waits for.
inline Refusal refuse_waiting(const Handle* handle, std::optional<InvalidArgument> invalid = std::nullopt) {
  if (Refusal refusal = refuse(handle)) return refusal;
  if (handle->output != nullptr && handle->output->is_this_thread()) return {handle, Errc::kWouldDeadlock};
  return refuse(handle, std::move(invalid));
}

// Held while a call is made: the child's lock, on a thread that cannot be cancelled meanwhile.
struct Call {
  explicit Call(const Handle& handle) : supervised(*handle.supervised), lock(supervised) {}

  const CancellationGuard no_cancellation;
  Supervised& supervised;
  Lock lock;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_CALL_H_

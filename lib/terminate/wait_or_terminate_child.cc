#include "lib/terminate/wait_or_terminate_child.h"

#include "lib/os/deadline.h"
#include "lib/supervise/wait_child.h"
#include "lib/terminate/terminate_child.h"

namespace warden::internal {

Result<WaitOrTerminateResult, WaitOrTerminateError> wait_or_terminate_child(Supervised& child, Lock& lock,
                                                                            absl::Duration timeout,
                                                                            const TerminationPolicy& policy,
                                                                            bool is_fed) {
  using Kind = WaitOrTerminateError::Kind;
  if (!is_fed) child.close_stdin_unless_kept(lock);
  auto waited = wait_child(child, lock, deadline_after(child.sys().now(), timeout));
  if (waited.has_value() && waited.value().has_value()) return WaitOrTerminateResult{*waited.value(), timeout};
  TerminationResult ended = terminate_child(child, lock, policy);
  if (ended.has_value()) child.set_told(lock);
  if (waited.has_value() && ended.has_value()) {
    const ExitStatus status = ended.value().status;
    return WaitOrTerminateResult{status, timeout, std::move(ended).value()};
  }
  WaitOrTerminateError error{Kind::kTerminationFailed, {}, child.name(), timeout};
  if (waited.has_error()) {
    error.kind = ended.has_value() ? Kind::kWaitFailed : Kind::kWaitAndTerminationFailed;
    error.code = waited.error().code;
    error.wait_error = std::move(waited).error();
  }
  if (ended.has_value()) {
    error.termination = std::move(ended).value();
  } else {
    error.code = ended.error().code;
    error.termination_error = std::move(ended).error();
  }
  return error;
}

}  // namespace warden::internal

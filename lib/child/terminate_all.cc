#include "warden/terminate_all.h"

#include <optional>
#include <utility>

#include "lib/child/handle.h"
#include "lib/child/handle_check.h"
#include "lib/os/cancellation_guard.h"
#include "lib/terminate/terminate_children.h"

namespace warden {
namespace {

using Outcome = Result<TerminationReport, TerminationError>;

// Why nothing can be done with this one, if so.
std::optional<TerminationError> refuse(const internal::Handle* handle, const std::optional<InvalidArgument>& invalid) {
  const auto error = [](TerminationErrorKind kind, std::error_code code, std::string name) {
    return TerminationError(kind, code, std::move(name), {});
  };
  if (const std::error_code code = internal::why_unusable_for_waiting(handle)) {
    return error(TerminationErrorKind::kTerminationFailed, code, handle == nullptr ? "" : handle->child->name());
  }
  if (!invalid.has_value()) return std::nullopt;
  TerminationError refused =
      error(TerminationErrorKind::kInvalidPolicy, make_error_code(*invalid), handle->child->name());
  refused.set_detail(invalid->to_string());
  return refused;
}

}  // namespace

std::vector<Outcome> terminate_all(const std::vector<Child*>& children, const TerminationPolicy& policy) {
  const internal::CancellationGuard no_cancellation;
  const std::optional<InvalidArgument> invalid = policy.validate();
  std::vector<std::optional<TerminationError>> refusals;
  std::vector<internal::Supervised*> usable;
  for (const Child* const child : children) {
    const internal::Handle* const handle = child == nullptr ? nullptr : child->handle_;
    refusals.push_back(refuse(handle, invalid));
    if (!refusals.back().has_value()) usable.push_back(handle->child.get());
  }
  std::vector<Outcome> ended = internal::terminate_children(usable, policy);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0, next = 0; i < refusals.size(); ++i) {
    if (refusals[i].has_value()) {
      outcomes.emplace_back(*std::move(refusals[i]));
      continue;
    }
    if (ended[next].has_value()) {
      const internal::Lock lock(*usable[next]);
      usable[next]->set_told(lock);
    }
    outcomes.push_back(std::move(ended[next++]));
  }
  return outcomes;
}

std::vector<Outcome> terminate_all(std::vector<Child>& children, const TerminationPolicy& policy) {
  std::vector<Child*> pointers;
  for (Child& child : children) pointers.push_back(&child);
  return terminate_all(pointers, policy);
}

}  // namespace warden

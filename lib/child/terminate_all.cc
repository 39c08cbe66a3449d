#include "warden/terminate_all.h"

#include <optional>
#include <utility>

#include "lib/child/call.h"
#include "lib/child/handle.h"
#include "lib/os/cancellation_guard.h"
#include "lib/terminate/terminate_children.h"

namespace warden {
namespace {

using Outcome = Result<TerminationReport, TerminationError>;

}  // namespace

std::vector<Outcome> terminate_all(const std::vector<Child*>& children, const TerminationPolicy& policy) {
  const internal::CancellationGuard no_cancellation;
  const std::optional<InvalidArgument> invalid = policy.validate();
  std::vector<internal::Refusal> refusals;
  std::vector<internal::Supervised*> usable;
  for (const Child* const child : children) {
    const internal::Handle* const handle = child == nullptr ? nullptr : child->handle_;
    refusals.push_back(internal::refuse_waiting(handle, invalid));
    if (!refusals.back()) usable.push_back(handle->supervised.get());
  }
  std::vector<Outcome> ended = internal::terminate_children(usable, policy);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0, next = 0; i < refusals.size(); ++i) {
    if (refusals[i]) {
      outcomes.emplace_back(refusals[i]);
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

#include "lib/child/wait_until_ready.h"

#include <algorithm>

#include "lib/base/argument_check.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/supervise/wait_child.h"

namespace warden::internal {
namespace {

Result<std::optional<ExitStatus>, WaitError> wait_for_exit(Supervised& child, TimePoint deadline) {
  const CancellationGuard no_cancellation;
  Lock lock(child);
  return wait_child(child, lock, deadline);
}

}  // namespace

std::optional<InvalidArgument> check_readiness_arguments(const ReadyPredicate& predicate, Timeout interval,
                                                         Timeout timeout) {
  if (!predicate) return InvalidArgument{"predicate", "", "there is no function to call"};
  if (auto invalid = check_duration("interval", interval)) return invalid;
  if (interval.duration() == absl::ZeroDuration()) return InvalidArgument{"interval", "0", "must not be zero"};
  return check_duration("timeout", timeout);
}

Result<Readiness, WaitError> wait_until_ready(Supervised& child, const ReadyPredicate& predicate,
                                              absl::Duration interval, absl::Duration timeout) {
  Sys& sys = child.sys();
  const TimePoint deadline = deadline_after(sys.now(), timeout);
  TimePoint next = TimePoint::min();
  for (;;) {
    auto ended = wait_for_exit(child, next);
    if (!ended) return std::move(ended).error();
    if (ended.value().has_value()) return Readiness{Readiness::Kind::kExited, *std::move(ended).value()};
    if (predicate()) return Readiness{Readiness::Kind::kReady};
    const TimePoint now = sys.now();
    if (now >= deadline) return Readiness{Readiness::Kind::kTimedOut};
    next = std::min(deadline, deadline_after(now, interval));
  }
}

}  // namespace warden::internal

#include "lib/internal/drop.h"

#include <cstdio>

#include "lib/internal/cancellation_guard.h"
#include "lib/internal/escalation.h"
#include "lib/internal/log_message.h"
#include "warden/log.h"
#include "warden/termination_policy.h"

namespace warden::internal {
namespace {

constexpr char kMisuse[] =
    "destroyed before its end was seen; its process group was killed. "
    "Call wait, terminate or kill and look at the result, or must_not_be_terminated()";

void report_misuse(const Supervised& child, const std::string& error) {
  if (log_message({LogSeverity::kError, child.name(), kMisuse, error})) return;
  std::fprintf(stderr, "warden: child '%s' %s%s%s\n", child.name().c_str(), kMisuse, error.empty() ? "" : ": ",
               error.c_str());
}

}  // namespace

void drop_child(Handle& handle) noexcept {
  const CancellationGuard no_cancellation;
  Supervised& child = *handle.child;
  Lock lock(child.mutex());
  child.close_stdin(lock);
  if (child.armed(lock)) {
    const TerminationResult ended = terminate_child(child, lock, TerminationPolicy::immediate());
    lock.unlock();
    report_misuse(child, ended.has_value() ? std::string() : ended.error().to_string());
    lock.lock();
  }
  child.release(lock);
  lock.unlock();
  handle.reaper.finish();
}

}  // namespace warden::internal

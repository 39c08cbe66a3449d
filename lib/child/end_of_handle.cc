#include "lib/child/end_of_handle.h"

#include <signal.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "lib/child/report_abandoned_child.h"
#include "lib/os/deadline.h"
#include "lib/terminate/terminate_child.h"
#include "warden/abandoned_child.h"
#include "warden/termination_policy.h"

namespace warden::internal {
namespace {

void disown(Handle& handle) {
  handle.supervised->close_copies();
  handle.reaper.forget();
  if (handle.output != nullptr) handle.output->disown();
}

constexpr std::string_view kNoMemory = "out of memory; SIGKILL was sent, and whether all have gone is not known";

// Needs memory only where the group's number is lost and its members are to be found in /proc; without it they live on.
// Waits for the leader alone.
void kill_without_memory(Supervised& supervised, Lock& lock) {
  if (!lock.owns_lock()) lock.lock();
  try {
    supervised.scope().send(lock, supervised.scope().target(), SIGKILL);
  } catch (const std::bad_alloc&) {
  }
  const TimePoint deadline = deadline_after(supervised.sys().now(), TerminationPolicy().kill_timeout.duration());
  while (!supervised.leader().ended(lock) && supervised.sys().now() < deadline) {
    supervised.leader().wait_changed(lock, deadline);
  }
}

// False where the policy cannot end the child.
bool terminate_by_policy(const Handle& handle, Lock& lock) {
  try {
    return terminate_child(*handle.supervised, lock, handle.end_policy).has_value();
  } catch (const std::bad_alloc&) {
    kill_without_memory(*handle.supervised, lock);
    return false;
  }
}

void report(const Handle& handle, std::string_view error) {
  const Supervised& supervised = *handle.supervised;
  try {
    report_abandoned_child(
        {supervised.name(), supervised.pid(), error, std::uncaught_exceptions() > handle.exceptions_before});
  } catch (const std::bad_alloc&) {
    std::fputs("warden: a child was destroyed before its end was seen; no memory to say which\n", stderr);
  }
}

void kill_and_report(const Handle& handle, Lock& lock) {
  Supervised& supervised = *handle.supervised;
  supervised.close_stdin(lock);
  std::string text;
  std::string_view error;
  try {
    const TerminationResult ended = terminate_child(supervised, lock, TerminationPolicy::immediate());
    if (ended.has_error()) text = ended.error().to_string();
    error = text;
  } catch (const std::bad_alloc&) {
    kill_without_memory(supervised, lock);
    error = kNoMemory;
  }
  lock.unlock();
  report(handle, error);
  lock.lock();
}

}  // namespace

void end_handle(Handle& handle) noexcept {
  if (!is_this_process(handle.owner)) return disown(handle);
  Supervised& supervised = *handle.supervised;
  Lock lock(supervised);
  supervised.stdin_pipe(lock).stays_open = false;
  const bool must_end = handle.ends_on_destruction(lock);
  const bool by_policy = must_end && handle.on_destruction == OnDestruction::kTerminate;
  if (must_end && !(by_policy && terminate_by_policy(handle, lock))) kill_and_report(handle, lock);
  supervised.close_stdin(lock);
  supervised.leader().unpin(lock);
  if (Tree* const tree = must_end ? nullptr : supervised.tree()) tree->let_go(lock);
  lock.unlock();
  if (handle.output != nullptr) handle.output->stop();
  handle.reaper.finish();
}

}  // namespace warden::internal

#include "lib/child/end_of_handle.h"

#include <signal.h>

#include <exception>
#include <new>
#include <string>

#include "lib/child/report_misuse.h"
#include "lib/terminate/terminate_child.h"
#include "warden/misuse.h"
#include "warden/termination_policy.h"

namespace warden::internal {
namespace {

void disown(Handle& handle) {
  handle.supervised->close_copies();
  handle.reaper.forget();
  if (handle.output != nullptr) handle.output->disown();
}

// Ends the child by the policy of terminate_on_drop; one that the policy cannot end stays armed.
void terminate_by_policy(const Handle& handle, Lock& lock) {
  if (!handle.end_policy.has_value()) return;
  const TerminationResult ended = terminate_child(*handle.supervised, lock, *handle.end_policy);
  if (ended.has_value()) handle.supervised->set_armed(lock, false);
}

void kill_and_report(const Handle& handle, Lock& lock) {
  Supervised& supervised = *handle.supervised;
  supervised.close_stdin(lock);
  const TerminationResult ended = terminate_child(supervised, lock, TerminationPolicy::immediate());
  lock.unlock();
  const std::string error = ended.has_value() ? std::string() : ended.error().to_string();
  report_misuse({supervised.name(), supervised.pid(), error, std::uncaught_exceptions() > handle.exceptions_before});
  lock.lock();
}

void terminate_or_kill(const Handle& handle, Lock& lock) {
  if (handle.supervised->armed(lock)) terminate_by_policy(handle, lock);
  if (handle.supervised->armed(lock)) kill_and_report(handle, lock);
}

// Needs memory only where the group's number is lost and its members are to be found in /proc; without it they live on.
void kill_group(Supervised& supervised, const Lock& lock) {
  try {
    supervised.group().send(lock, AttemptTarget::kGroup, SIGKILL);
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace

void end_handle(Handle& handle) noexcept {
  if (!is_this_process(handle.owner)) return disown(handle);
  Supervised& supervised = *handle.supervised;
  Lock lock(supervised);
  supervised.stdin_pipe(lock).stays_open = false;
  try {
    terminate_or_kill(handle, lock);
  } catch (const std::bad_alloc&) {  // the reaper collects the exit
    if (!lock.owns_lock()) lock.lock();
    kill_group(supervised, lock);
  }
  supervised.close_stdin(lock);
  supervised.leader().unpin(lock);
  lock.unlock();
  if (handle.output != nullptr) handle.output->stop();
  handle.reaper.finish();
}

}  // namespace warden::internal

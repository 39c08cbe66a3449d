#include "lib/testing/verdict.h"

#include <signal.h>

#include <algorithm>
#include <iterator>

#include "lib/child/child_access.h"

namespace warden::testing::internal {
namespace {

using warden::ProcessState;

constexpr int kAskForTheEnd[] = {SIGINT, SIGTERM, SIGQUIT, SIGKILL};

}  // namespace

Sight look_at(const warden::Child& child) {
  const ProcessState state = child.state();
  Sight sight;
  sight.has_ended = state.kind == ProcessState::Kind::kExited;
  sight.is_ours = state.error != warden::Errc::kNotOwner;
  sight.attempts = child.attempt_log();
  if (!sight.is_ours || state.error == warden::Errc::kEmptyHandle) return sight;
  warden::internal::Supervised& supervised = *warden::internal::ChildAccess::handle(child)->supervised;
  const warden::internal::Lock lock(supervised);
  sight.end_was_seen = sight.has_ended && supervised.told(lock);
  sight.was_asked_to_end = std::any_of(std::begin(kAskForTheEnd), std::end(kAskForTheEnd),
                                       [&](int signal) { return supervised.scope().was_sent(lock, signal); });
  return sight;
}

std::optional<std::string> problem_with(const Sight& before, bool may_exit, const Outcome& outcome) {
  if (!outcome.has_value()) return "could not be ended: " + outcome.error().to_string();
  if (before.end_was_seen) return std::nullopt;
  const warden::TerminationReport& report = outcome.value();
  if (report.status.signal().has_value() && report.cause == warden::EndCause::kByAnother) {
    return "crashed: " + report.status.to_string();
  }
  if (before.has_ended && !may_exit && !before.was_asked_to_end) {
    return "had ended before the test: " + report.status.to_string();
  }
  return std::nullopt;
}

}  // namespace warden::testing::internal

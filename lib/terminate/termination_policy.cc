#include "warden/termination_policy.h"

#include <signal.h>

#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "lib/base/argument_check.h"

namespace warden {
namespace {

std::optional<InvalidArgument> check_signal(std::string field, Signal signal) {
  if (auto reserved = internal::check_can_be_sent(field, signal)) return reserved;
  switch (signal.number()) {
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGCONT:
      return InvalidArgument{std::move(field), signal.name(), "a job control signal does not end a process"};
    case SIGKILL:
      return InvalidArgument{std::move(field), signal.name(), "SIGKILL is always the last step, and not a phase"};
    default:
      return std::nullopt;
  }
}

}  // namespace

TerminationPolicy TerminationPolicy::interrupt_first(Timeout interrupt_timeout, Timeout terminate_timeout) {
  TerminationPolicy policy;
  policy.phases = {{Signal::interrupt(), interrupt_timeout}, {Signal::terminate(), terminate_timeout}};
  return policy;
}

TerminationPolicy TerminationPolicy::service(Timeout terminate_timeout) {
  TerminationPolicy policy;
  policy.phases = {{Signal::terminate(), terminate_timeout}};
  return policy;
}

TerminationPolicy TerminationPolicy::leader_first(Timeout leader_timeout, Timeout group_timeout) {
  TerminationPolicy policy;
  policy.phases = {{Signal::terminate(), leader_timeout, AttemptTarget::kLeader}, {Signal::terminate(), group_timeout}};
  return policy;
}

TerminationPolicy TerminationPolicy::immediate() { return {}; }

std::optional<InvalidArgument> TerminationPolicy::validate() const {
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const std::string field = absl::StrCat("phases[", i, "]");
    if (auto error = check_signal(field + ".signal", phases[i].signal)) return error;
    if (auto error = internal::check_duration(field + ".timeout", phases[i].timeout)) return error;
    if (phases[i].target == AttemptTarget::kTree) {
      return InvalidArgument{field + ".target", "tree", "the group stands for all that the child's containment holds"};
    }
  }
  if (auto error = internal::check_duration("kill_timeout", kill_timeout)) return error;
  return internal::check_duration("failed_send_grace", failed_send_grace);
}

std::ostream& operator<<(std::ostream& out, const TerminationPhase& phase) {
  return out << phase.signal << " to " << phase.target << ", " << phase.timeout;
}

std::ostream& operator<<(std::ostream& out, const TerminationPolicy& policy) {
  for (const TerminationPhase& phase : policy.phases) out << phase << "; ";
  return out << "SIGKILL, " << policy.kill_timeout << (policy.leader_only ? "; leader only" : "");
}

}  // namespace warden

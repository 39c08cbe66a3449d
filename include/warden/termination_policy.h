// How to end a child: which signals, to whom, with how much time after each.
//
// SIGKILL is always the implicit last step; a policy lists what comes before it.
//
// Which one? A server or anything written by somebody else: service(). It gets SIGTERM first, which is what init
// systems send. interrupt_first() is for programs that treat Ctrl-C as their polite stop, because a program that
// handles only SIGTERM dies of SIGINT's default action before its SIGTERM handler ever runs.
#ifndef WARDEN_TERMINATION_POLICY_H_
#define WARDEN_TERMINATION_POLICY_H_

#include <iosfwd>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "warden/attempt_log.h"
#include "warden/error.h"
#include "warden/signal.h"
#include "warden/timeout.h"

namespace warden {

// One rung of the ladder.
struct TerminationPhase {
  Signal signal;
  // The most time that the group gets after the signal. Zero: look once and go on. absl::InfiniteDuration(): wait for
  // ever.
  Timeout timeout;
  // kLeader lets a program that manages its own children shut them down itself.
  AttemptTarget target = AttemptTarget::kGroup;
};

// Plain data. The named policies below fill it.
struct TerminationPolicy {
  // In order; may be empty (SIGKILL at once).
  std::vector<TerminationPhase> phases;

  // The bound on the wait after SIGKILL: an unkillable child (uninterruptible sleep, a tracer) ends in an error after
  // it.
  Timeout kill_timeout = absl::Seconds(3);

  // Replaces a phase's timeout when its signal could not be sent: the child may just have been on its way out.
  Timeout failed_send_grace = absl::Milliseconds(100);

  // Success is the leader's exit, and nothing is promised about the other processes of its group. Every signal goes to
  // the leader alone.
  bool leader_only = false;

  // SIGINT, then SIGTERM, then SIGKILL.
  static TerminationPolicy interrupt_first(Timeout interrupt_timeout, Timeout terminate_timeout);
  // SIGTERM, then SIGKILL.
  static TerminationPolicy service(Timeout terminate_timeout);
  // SIGTERM to the leader alone, then SIGTERM to its group, then SIGKILL to the group.
  static TerminationPolicy leader_first(Timeout leader_timeout, Timeout group_timeout);
  // SIGKILL at once.
  static TerminationPolicy immediate();

  // The first thing that is wrong with the policy, naming it ("phases[1].timeout"), or empty. Durations must not be
  // negative; STOP, TSTP, TTIN, TTOU and CONT end nothing and are refused, as are 32 and 33, which belong to glibc, and
  // KILL, which is the implicit last step.
  std::optional<InvalidArgument> validate() const;
};

// "SIGTERM to group, 5s".
std::ostream& operator<<(std::ostream& out, const TerminationPhase& phase);
// "SIGTERM to group, 5s; SIGKILL, 3s".
std::ostream& operator<<(std::ostream& out, const TerminationPolicy& policy);

}  // namespace warden

#endif  // WARDEN_TERMINATION_POLICY_H_

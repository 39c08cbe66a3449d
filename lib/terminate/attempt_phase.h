// Which phase of an escalation a signal belongs to.
#ifndef WARDEN_LIB_TERMINATE_ATTEMPT_PHASE_H_
#define WARDEN_LIB_TERMINATE_ATTEMPT_PHASE_H_

#include "warden/attempt_log.h"
#include "warden/signal.h"

namespace warden::internal {

inline AttemptPhase phase_of(Signal signal) {
  if (signal == Signal::interrupt()) return AttemptPhase::kInterrupt;
  if (signal == Signal::terminate()) return AttemptPhase::kTerminate;
  if (signal == Signal::kill()) return AttemptPhase::kKill;
  return AttemptPhase::kSignal;
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_ATTEMPT_PHASE_H_

// Sends one signal that the caller asked for, without a wait.
#ifndef WARDEN_LIB_TERMINATE_SEND_SIGNAL_H_
#define WARDEN_LIB_TERMINATE_SEND_SIGNAL_H_

#include "lib/supervise/supervised.h"
#include "warden/result.h"
#include "warden/signal.h"
#include "warden/termination_error.h"

namespace warden::internal {

// Looks, sends, and after a failed send looks once more: a child that has ended is a success. At most two looks and one
// send.
Result<void, TerminationError> send_manual_signal(Supervised& child, Lock& lock, Signal signal);

}  // namespace warden::internal

#endif  // WARDEN_LIB_TERMINATE_SEND_SIGNAL_H_

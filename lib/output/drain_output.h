// Waits for the end of a child's output.
#ifndef WARDEN_LIB_OUTPUT_DRAIN_OUTPUT_H_
#define WARDEN_LIB_OUTPUT_DRAIN_OUTPUT_H_

#include <functional>

#include "lib/os/sys.h"
#include "lib/output/output_pump.h"
#include "warden/output_drain.h"

namespace warden::internal {

// Lets the pump read everything that is in the pipes at the call, whatever the deadline, unless a callback does not
// return (CapturedStream::kCatchUpPatience). If a stream has not ended by the deadline, and `has_child_ended` says that
// the child has, its unfinished line is handed out to all subscriptions (CapturedStream::request_rest()).
DrainResult drain_output(Sys& sys, OutputPump& pump, TimePoint deadline,
                         const std::function<bool()>& has_child_ended = nullptr);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_DRAIN_OUTPUT_H_

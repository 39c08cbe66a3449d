// Waits for the end of a child's output.
#ifndef WARDEN_LIB_OUTPUT_DRAIN_OUTPUT_H_
#define WARDEN_LIB_OUTPUT_DRAIN_OUTPUT_H_

#include "lib/os/sys.h"
#include "lib/output/output_pump.h"
#include "warden/output_drain.h"

namespace warden::internal {

// Lets the pump read everything that is in the pipes at the call, whatever the deadline, unless a callback does not
// return (CapturedStream::kCatchUpPatience).
DrainResult drain_output(Sys& sys, OutputPump& pump, TimePoint deadline);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_DRAIN_OUTPUT_H_

// Waits for a running program's end: by itself, by a timeout or by a signal to the tool.
#ifndef WARDEN_LIB_TOOL_SUPERVISE_H_
#define WARDEN_LIB_TOOL_SUPERVISE_H_

#include "lib/tool/job_control.h"
#include "lib/tool/pass_through.h"
#include "lib/tool/run_flags.h"
#include "lib/tool/run_report.h"
#include "lib/tool/signal_relay.h"
#include "warden/child.h"

namespace warden::tool {

// Returns when the program has ended, or cannot be ended, and the tool has passed on its streams. `streams` is null
// where they do not go through the tool.
RunReport supervise(Child& child, const RunFlags& flags, const BlockedSignals& blocked, JobControl& job,
                    PassThrough* streams);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_SUPERVISE_H_

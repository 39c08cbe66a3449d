// The whole library but its opt-in parts (warden/boost_process.h).
#ifndef WARDEN_WARDEN_H_
#define WARDEN_WARDEN_H_

#include "warden/abandoned_child.h"
#include "warden/attempt_log.h"
#include "warden/child.h"
#include "warden/command.h"
#include "warden/error.h"
#include "warden/exit_status.h"
#include "warden/function.h"
#include "warden/log.h"
#include "warden/output.h"
#include "warden/output_drain.h"
#include "warden/output_line.h"
#include "warden/readiness.h"
#include "warden/result.h"
#include "warden/run.h"
#include "warden/signal.h"
#include "warden/stdin_error.h"
#include "warden/terminate_all.h"
#include "warden/termination_error.h"
#include "warden/termination_policy.h"
#include "warden/termination_report.h"
#include "warden/timeout.h"
#include "warden/version.h"
#include "warden/wait_or_terminate.h"

#endif  // WARDEN_WARDEN_H_

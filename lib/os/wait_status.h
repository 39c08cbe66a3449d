// An exit status in the kernel's own encoding (wait(2)), and what a process used (getrusage(2)).
#ifndef WARDEN_LIB_OS_WAIT_STATUS_H_
#define WARDEN_LIB_OS_WAIT_STATUS_H_

#include <sys/resource.h>
#include <sys/wait.h>

#include "warden/exit_status.h"

namespace warden::internal {

// Inline, unlike absl::DurationFromTimeval(): between an exit and the return of the wait for it, each call into code
// that has not run for a while takes a measurable time.
inline absl::Duration duration_of(const timeval& time) {
  return absl::Microseconds(std::int64_t{time.tv_sec} * 1'000'000 + time.tv_usec);
}

inline ResourceUsage usage_of(const struct rusage& raw) {
  ResourceUsage usage;
  usage.user_time = duration_of(raw.ru_utime);
  usage.system_time = duration_of(raw.ru_stime);
  usage.max_rss_kib = raw.ru_maxrss;
  usage.minor_faults = raw.ru_minflt;
  usage.major_faults = raw.ru_majflt;
  usage.voluntary_switches = raw.ru_nvcsw;
  usage.involuntary_switches = raw.ru_nivcsw;
  return usage;
}

inline ExitStatus encoded_status(int encoded) {
  if (WIFSIGNALED(encoded))
    return ExitStatus::signaled(Signal::from_number(WTERMSIG(encoded)).value(), WCOREDUMP(encoded));
  return ExitStatus::exited(WEXITSTATUS(encoded));
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_WAIT_STATUS_H_

// How a child ended: it exited with a code, a signal killed it, or the kernel could not tell.
#ifndef WARDEN_EXIT_STATUS_H_
#define WARDEN_EXIT_STATUS_H_

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "warden/signal.h"

namespace warden {

// What the child used, by getrusage(2) of the child itself and the children that it waited for.
struct ResourceUsage {
  absl::Duration user_time;
  absl::Duration system_time;
  std::int64_t max_rss_kib = 0;
  std::int64_t minor_faults = 0;
  std::int64_t major_faults = 0;
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;
};

// A value. An exit with code 9 and a death by signal 9 are different statuses and never meet in one int; a shell's
// 128+n is an ordinary exit code here.
class ExitStatus {
 public:
  enum class Kind {
    kExited,    // it called exit: there is a code
    kSignaled,  // a signal ended it: there is a signal
    kLost,      // other code took the status (SIGCHLD ignored, a foreign wait), and this kernel keeps no copy
  };

  // REQUIRES: 0 <= code <= 255.
  static ExitStatus exited(int code);
  static ExitStatus signaled(Signal signal, bool core_dumped);
  static ExitStatus lost();

  Kind kind() const { return kind_; }

  // True for an exit with code 0, and for nothing else.
  bool success() const { return kind_ == Kind::kExited && code_ == 0; }

  // The code of an exit; empty for the other kinds.
  std::optional<int> exit_code() const;

  // The signal that ended the child; empty for the other kinds.
  std::optional<Signal> signal() const;

  // True when the signal left a core dump (WCOREDUMP).
  bool core_dumped() const { return core_dumped_; }

  // Empty where the kernel did not hand it over: a lost status, and one that was recovered after a foreign wait.
  std::optional<ResourceUsage> resource_usage() const;
  ExitStatus with_resource_usage(const ResourceUsage& usage) const;

  // "exited with code 3", "killed by SIGSEGV (core dumped)", "exit status lost".
  std::string to_string() const;

  // Equal when the ends are: the resource usage is not compared.
  friend bool operator==(const ExitStatus& a, const ExitStatus& b) {
    return a.kind_ == b.kind_ && a.code_ == b.code_ && a.core_dumped_ == b.core_dumped_;
  }
  friend bool operator!=(const ExitStatus& a, const ExitStatus& b) { return !(a == b); }

 private:
  ExitStatus(Kind kind, int code, bool core_dumped) : kind_(kind), code_(code), core_dumped_(core_dumped) {}

  Kind kind_;
  int code_;  // the exit code or the signal's number, by kind_; 0 when lost
  bool core_dumped_;
  bool has_usage_ = false;  // beside it: an optional member is a template more for each file that includes this
  ResourceUsage usage_;
};

// "exited", "signaled", "lost".
std::string_view to_string(ExitStatus::Kind kind);

std::ostream& operator<<(std::ostream& out, ExitStatus::Kind kind);
// Writes to_string().
std::ostream& operator<<(std::ostream& out, const ExitStatus& status);

}  // namespace warden

#endif  // WARDEN_EXIT_STATUS_H_

// The record of everything that was tried to end a child, in the order in which it was tried.
#ifndef WARDEN_ATTEMPT_LOG_H_
#define WARDEN_ATTEMPT_LOG_H_

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/time/time.h"
#include "warden/signal.h"

namespace warden {

// The part of an escalation that an attempt belongs to.
enum class AttemptPhase {
  kPreflight,  // looking, before anything is sent
  kInterrupt,  // SIGINT and the wait after it
  kTerminate,  // SIGTERM and the wait after it
  kSignal,     // any other catchable signal of a policy, or a manual one
  kKill,       // SIGKILL while the leader lives
  kSweep,      // SIGKILL to what is left of the group after its leader
};

enum class AttemptOperation {
  kCheckStatus,  // looks for the leader: once before the first signal, and for a grace after one that failed
  kSendSignal,
  kWaitForExit,  // of the leader, and then of its group
  kSweep,        // looks for processes that are left in the group or the tree
};

enum class AttemptTarget { kLeader, kGroup, kTree };

enum class AttemptResult {
  kOk,
  kTimedOut,  // a wait or a grace ended before the exit, or a sweep found survivors
  kFailed,    // `error` says how
};

// "preflight", "send_signal", "group", "timed_out": the words of the tool's JSON report.
std::string_view to_string(AttemptPhase phase);
std::string_view to_string(AttemptOperation operation);
std::string_view to_string(AttemptTarget target);
std::string_view to_string(AttemptResult result);

// One thing that was done, and its result.
struct Attempt {
  AttemptPhase phase = AttemptPhase::kPreflight;
  AttemptOperation operation = AttemptOperation::kCheckStatus;
  std::optional<Signal> signal;         // what was sent, or what was waited after; empty for looks without a signal
  std::optional<AttemptTarget> target;  // empty for waits
  absl::Duration started;               // since the escalation began, on the monotonic clock
  absl::Duration elapsed;
  AttemptResult result = AttemptResult::kOk;
  std::error_code error;  // set when kFailed or kTimedOut
  std::string detail;     // survivors by pid and program; how many processes of a tree got the signal; or empty

  // "interrupt send_signal SIGINT to group: ok", "terminate wait_for_exit after SIGTERM: timed_out after 1s".
  std::string to_string() const;
};

// A value: an ordered list of attempts, oldest first. Nothing is sorted, merged or dropped.
class AttemptLog {
 public:
  using const_iterator = std::vector<Attempt>::const_iterator;

  // The attempt as it stands in the log; valid until the next one.
  Attempt& append(Attempt attempt);

  std::size_t size() const { return attempts_.size(); }
  bool empty() const { return attempts_.empty(); }
  const Attempt& operator[](std::size_t i) const { return attempts_[i]; }
  const_iterator begin() const { return attempts_.begin(); }
  const_iterator end() const { return attempts_.end(); }

  // The attempts that failed or timed out, in order. A check that found the child still running is not among them,
  // since it did its work; nor is the grace after a failed send, since the send is.
  std::vector<Attempt> errors() const;

  // One attempt a line, numbered from [1].
  std::string to_string() const;

 private:
  std::vector<Attempt> attempts_;
};

std::ostream& operator<<(std::ostream& out, AttemptPhase phase);
std::ostream& operator<<(std::ostream& out, AttemptOperation operation);
std::ostream& operator<<(std::ostream& out, AttemptTarget target);
std::ostream& operator<<(std::ostream& out, AttemptResult result);
std::ostream& operator<<(std::ostream& out, const Attempt& attempt);
std::ostream& operator<<(std::ostream& out, const AttemptLog& log);

}  // namespace warden

#endif  // WARDEN_ATTEMPT_LOG_H_

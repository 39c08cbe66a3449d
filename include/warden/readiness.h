// What Child::wait_until_ready takes and returns.
#ifndef WARDEN_READINESS_H_
#define WARDEN_READINESS_H_

#include <iosfwd>
#include <optional>
#include <string_view>

#include "warden/exit_status.h"
#include "warden/function.h"

namespace warden {

// Says whether the child is ready.
using ReadyPredicate = Function<bool()>;

struct Readiness {
  enum class Kind {
    kReady,     // the predicate said so
    kExited,    // the child ended first: see `status`
    kTimedOut,  // the time passed first; the child runs on
  };
  Kind kind = Kind::kTimedOut;
  std::optional<ExitStatus> status = std::nullopt;

  bool ready() const { return kind == Kind::kReady; }
};

// "ready", "exited", "timed_out".
std::string_view to_string(Readiness::Kind kind);

std::ostream& operator<<(std::ostream& out, Readiness::Kind kind);
// With the status, where there is one.
std::ostream& operator<<(std::ostream& out, const Readiness& readiness);

}  // namespace warden

#endif  // WARDEN_READINESS_H_

// What Child::wait_until_ready takes and returns.
#ifndef WARDEN_READINESS_H_
#define WARDEN_READINESS_H_

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "warden/exit_status.h"

namespace warden {

// Says whether the child is ready. Made from any function without arguments; empty as a LineCallback is
// (output_line.h).
class ReadyPredicate {
 public:
  ReadyPredicate() = default;
  ReadyPredicate(std::nullptr_t) {}
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, ReadyPredicate> &&
                                              std::is_invocable_r_v<bool, std::decay_t<F>&>>>
  ReadyPredicate(F&& function) : function_(std::forward<F>(function)) {}

  explicit operator bool() const { return static_cast<bool>(function_); }
  bool operator()() const { return function_(); }

 private:
  std::function<bool()> function_;
};

struct Readiness {
  enum class Kind {
    kReady,     // the predicate said so
    kExited,    // the child ended first: see `status`
    kTimedOut,  // the time passed first; the child runs on
  };
  Kind kind = Kind::kTimedOut;
  std::optional<ExitStatus> status = std::nullopt;

  bool is_ready() const { return kind == Kind::kReady; }
};

// "ready", "exited", "timed_out".
std::string_view to_string(Readiness::Kind kind);

std::ostream& operator<<(std::ostream& out, Readiness::Kind kind);
// With the status, where there is one.
std::ostream& operator<<(std::ostream& out, const Readiness& readiness);

}  // namespace warden

#endif  // WARDEN_READINESS_H_

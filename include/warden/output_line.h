// Output line by line: a callback for each line as it comes, and the wait for one line.
//
// A line ends at '\n', which is not part of it; '\r' is. What follows the last newline is a line too, handed out when
// the stream ends. Any other byte is content.
#ifndef WARDEN_OUTPUT_LINE_H_
#define WARDEN_OUTPUT_LINE_H_

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace warden {

// One line. The view is valid during the call that hands it out.
struct Line {
  std::string_view text;
  // The rest of the line is missing: it was longer than CaptureOptions::max_line_length, or lost to its limit.
  bool truncated = false;
};

// Gets one line at a time (Child::on_line), on the thread that reads the child's output, with no lock held.
//
// While it runs, the library reads neither stdout nor stderr: a slow callback holds the child back once the pipe is
// full. It must not destroy its own Child; a wait for the child, a termination and a drain are refused with
// Errc::kWouldDeadlock. It may send signals, look (try_wait, state, output) and attach other callbacks. What it throws
// is reported to the log sink (log.h), and the next line comes all the same. Made from any function that takes a Line;
// empty from nullptr, a null function pointer, or an empty std::function.
class LineCallback {
 public:
  LineCallback() = default;
  LineCallback(std::nullptr_t) {}
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, LineCallback> &&
                                              std::is_invocable_v<std::decay_t<F>&, const Line&>>>
  LineCallback(F&& function) : function_(std::forward<F>(function)) {}

  explicit operator bool() const { return static_cast<bool>(function_); }
  void operator()(const Line& line) const { function_(line); }

 private:
  std::function<void(const Line&)> function_;
};

// Says whether a line is the one that Child::wait_for_line waits for. Called as a LineCallback is. What it throws
// passes through the wait.
class LinePredicate {
 public:
  LinePredicate() = default;
  LinePredicate(std::nullptr_t) {}
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, LinePredicate> &&
                                              std::is_invocable_r_v<bool, std::decay_t<F>&, const Line&>>>
  LinePredicate(F&& function) : function_(std::forward<F>(function)) {}

  explicit operator bool() const { return static_cast<bool>(function_); }
  bool operator()(const Line& line) const { return function_(line); }

 private:
  std::function<bool(const Line&)> function_;
};

// What Child::wait_for_line returns.
struct LineWait {
  enum class Kind {
    kMatched,       // `line` is the line
    kStreamClosed,  // the stream ended first: no process has it open any more, as when the child has ended
    kChildExited,   // the child ended first, and another process still holds the stream open
    kTimedOut,
  };
  Kind kind = Kind::kTimedOut;
  std::string line;        // kMatched only
  bool truncated = false;  // as Line::truncated

  bool matched() const { return kind == Kind::kMatched; }
};

// "matched", "stream_closed", "child_exited", "timed_out".
std::string_view to_string(LineWait::Kind kind);
std::ostream& operator<<(std::ostream& out, LineWait::Kind kind);
// With the line, in quotes, where there is one.
std::ostream& operator<<(std::ostream& out, const LineWait& wait);

}  // namespace warden

#endif  // WARDEN_OUTPUT_LINE_H_

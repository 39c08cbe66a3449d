// Output line by line: a callback for each line as it comes, and the wait for one line.
//
// A line ends at '\n', which is not part of it; '\r' is. Any other byte is content. What follows the last newline is a
// line too, handed out when the stream ends. While a process that the child has left holds the stream, it does not end:
// then, once the child has ended, Child::drain_output() hands out the unfinished line when it stops waiting for the end
// of the stream, and Child::wait_for_line() looks at it.
#ifndef WARDEN_OUTPUT_LINE_H_
#define WARDEN_OUTPUT_LINE_H_

#include <iosfwd>
#include <string>
#include <string_view>
#include <system_error>

#include "warden/function.h"

namespace warden {

// One line. The view is valid during the call that hands it out.
struct Line {
  std::string_view text;
  // The rest of the line is missing: it was longer than CaptureOptions::max_line_length, or lost to its limit or for
  // want of memory.
  bool truncated = false;
  // The line has no newline, and its stream has not ended: it may go on.
  bool unfinished = false;
};

// Gets one line at a time (Child::on_line), on the thread that reads the child's output, with no lock held.
//
// While it runs, the library reads neither stdout nor stderr: a slow callback holds the child back once the pipe is
// full. It must not destroy its own Child; a wait for the child, a termination and a drain are refused with
// Errc::kWouldDeadlock. It may send signals, look (try_wait, state, output) and attach other callbacks. What it throws
// is reported to the log sink (log.h), and the next line comes all the same.
using LineCallback = Function<void(const Line&)>;

// Says whether a line is the one that Child::wait_for_line or wait_for_text waits for. Called as a LineCallback is.
// What it throws passes through the wait.
using LinePredicate = Function<bool(const Line&)>;

// What Child::wait_for_line and wait_for_text return.
struct LineWait {
  enum class Kind {
    kMatched,       // `line` is the line
    kStreamClosed,  // the stream ended first: no process has it open any more, as when the child has ended
    kChildExited,   // the child ended first, and another process still holds the stream open
    kReadFailed,    // the stream could not be read: `read_error` says why; the child may live
    kTimedOut,
  };
  Kind kind = Kind::kTimedOut;
  std::string line;                 // kMatched only
  bool truncated = false;           // as Line::truncated
  bool unfinished = false;          // as Line::unfinished
  std::error_code read_error = {};  // kReadFailed only

  bool matched() const { return kind == Kind::kMatched; }
};

// "matched", "stream_closed", "child_exited", "read_failed", "timed_out".
std::string_view to_string(LineWait::Kind kind);
std::ostream& operator<<(std::ostream& out, LineWait::Kind kind);
// With the line, in quotes, or the error of reading, where there is one.
std::ostream& operator<<(std::ostream& out, const LineWait& wait);

}  // namespace warden

#endif  // WARDEN_OUTPUT_LINE_H_

// What Child::drain_output returns: whether all output is there, and which processes keep a stream open if not.
//
// A stream ends when no process has it open for writing any more. Every process that the child starts inherits it: a
// daemon that the child leaves behind can hold its stdout for ever. That is why nothing in this library learns a
// child's exit from the end of its output, and why the wait for that end has a bound of its own.
#ifndef WARDEN_OUTPUT_DRAIN_H_
#define WARDEN_OUTPUT_DRAIN_H_

#include <iosfwd>
#include <string>
#include <system_error>
#include <vector>

#include "absl/time/time.h"
#include "warden/output.h"
#include "warden/timeout.h"

namespace warden {

// How long drain_output waits unless told otherwise.
inline constexpr Timeout kDefaultDrainTimeout = absl::Seconds(3);

// A process that has the stream open for writing. It may have ended since.
struct PipeHolder {
  int pid = -1;
  std::string program;  // as in /proc/<pid>/stat: the first 15 bytes
};

std::ostream& operator<<(std::ostream& out, const PipeHolder& holder);

// One captured stream after the wait.
struct StreamDrain {
  OutputStream stream = OutputStream::kStdout;
  // Everything up to the end of the stream was read, and handed to every callback. Else a process holds the stream, or
  // a callback has not returned: more may come, and goes on being read.
  bool complete = false;
  // Why reading stopped before the end of the stream; no error as a rule.
  std::error_code read_error;
  // The processes that hold the stream, as far as /proc shows them.
  std::vector<PipeHolder> holders;
  // Whether `holders` has all of them. False where /proc is missing or hidden, and where a process's descriptors may
  // not be read (those of other users, proc(5)).
  bool all_holders_known = false;
};

std::ostream& operator<<(std::ostream& out, const StreamDrain& drain);

struct DrainResult {
  std::vector<StreamDrain> streams;  // the captured ones, stdout first

  // Whether every one of them is complete.
  bool complete() const;
};

std::ostream& operator<<(std::ostream& out, const DrainResult& result);

}  // namespace warden

#endif  // WARDEN_OUTPUT_DRAIN_H_

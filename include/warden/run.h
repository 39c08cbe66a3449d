// Runs a child from start to end in one call: feeds it, reads what it writes, and terminates it if it takes too long.
//
// Example:
//   warden::RunOptions options;
//   options.stdin_text = source;
//   options.timeout = absl::Seconds(30);
//   warden::Result<warden::RunResult, warden::RunError> done =
//       warden::require_success(warden::run(warden::Command("clang-format"), options));
//   if (!done) return fail(done.error().to_string());  // with the last lines of its stderr
//   use(done.value().stdout_output.text());
#ifndef WARDEN_RUN_H_
#define WARDEN_RUN_H_

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/time/time.h"
#include "warden/command.h"
#include "warden/error.h"
#include "warden/exit_status.h"
#include "warden/output.h"
#include "warden/output_drain.h"
#include "warden/result.h"
#include "warden/stdin_error.h"
#include "warden/termination_policy.h"
#include "warden/termination_report.h"
#include "warden/timeout.h"
#include "warden/wait_or_terminate.h"

namespace warden {

struct RunOptions {
  // How long the child may take, from the moment in which its program runs, before it is terminated. Zero: at once.
  // Opening the files that it gets as its streams may take as long, too, and a second at least: a FIFO that nobody
  // opens at its other end (fifo(7)) is ETIMEDOUT at SpawnError::Step::kOpenFile.
  Timeout timeout = absl::InfiniteDuration();

  // How it is terminated after the timeout.
  TerminationPolicy policy = TerminationPolicy::service(absl::Seconds(5));

  // How long run() waits for the end of the output after the child's end: another process may hold a stream
  // (output_drain.h).
  Timeout drain_timeout = kDefaultDrainTimeout;

  // What the child reads from its stdin, through a pipe: these bytes...
  std::optional<std::string> stdin_text = std::nullopt;
  // ... or those of the file with this path, which this process opens and reads. Not both, and neither where the
  // command has a stdin of its own.
  std::optional<std::string> stdin_file = std::nullopt;

  // How much is kept of the streams that the command leaves unset.
  CaptureOptions capture = {};
};

// What became of stdin_text or stdin_file. A child need not read all of it.
struct StdinReport {
  // How many bytes went into the pipe; whether the child has read them is not known.
  std::uint64_t written = 0;

  // Why no more did, where the child is the reason: it closed its stdin (kNoReader), ended (kNoReader or kChildEnded),
  // or was terminated (kClosed or those).
  std::optional<StdinError> stopped = std::nullopt;

  // Why the input could not be read to its end: the errno of reading the file; ETIMEDOUT where a read had not returned
  // 3 s after the child's end (a thread stays behind and waits for it); ENOMEM. The child has got what came before, and
  // then the end of its input. require_success() makes an error of it.
  std::error_code read_error = {};

  bool complete() const { return !stopped.has_value() && !read_error; }
};

// A child that has run to its end.
struct RunResult {
  std::string process_name;
  ExitStatus status;

  // What is kept of each stream. Empty where the command sends it elsewhere.
  Output stdout_output = {};
  Output stderr_output = {};
  bool stderr_is_merged = false;  // into stdout_output (Stdio::merge)

  // Whether the output is complete, and which processes hold a stream if not.
  DrainResult drain = {};

  // Empty when nothing was to be fed.
  std::optional<StdinReport> stdin_report = std::nullopt;

  // The time that the child had, and how it was terminated after it; empty when it ended in time
  // (WaitOrTerminateResult).
  absl::Duration timeout = absl::InfiniteDuration();
  std::optional<TerminationReport> termination = std::nullopt;
  bool timed_out() const { return termination.has_value(); }
};

// A run that has no result, or a result that require_success() refuses.
struct RunError {
  enum class Step {
    kOptions,         // bad input, refused: nothing was started
    kSpawn,           // the child could not be started, and nothing is left of it
    kFeed,            // the thread that feeds stdin could not be created: the child was killed
    kWait,            // the wait broke, and the child was terminated for it
    kTermination,     // the child could not be terminated; what is left of it is in wait_error
    kRequireSuccess,  // the child ran to its end, and was not successful
  };
  Step step = Step::kOptions;
  // The errno of the step, or an Errc. For kRequireSuccess ETIMEDOUT where the time had passed, else
  // Errc::kUnsuccessful, or the errno of reading the input.
  std::error_code code = {};
  std::string process_name = {};

  // The error of the step.
  std::optional<InvalidArgument> invalid_argument = std::nullopt;    // kOptions, and kSpawn of a bad command
  std::optional<SpawnError> spawn_error = std::nullopt;              // kSpawn
  std::optional<WaitOrTerminateError> wait_error = std::nullopt;     // kWait, kTermination
  std::optional<TerminationError> termination_error = std::nullopt;  // kFeed: the child could not be killed either

  // From here on as in RunResult, as far as it is known.
  std::optional<ExitStatus> status = std::nullopt;
  Output stdout_output = {};
  Output stderr_output = {};
  DrainResult drain = {};
  std::optional<StdinReport> stdin_report = std::nullopt;
  absl::Duration timeout = absl::InfiniteDuration();
  std::optional<TerminationReport> termination = std::nullopt;

  // kRequireSuccess: the end of stderr (of stdout where stderr is merged into it), beyond the capture's limit, too: 10
  // lines, 4 KiB at most. Begins with "..." where there is more before it. Each byte of a control character (C0, but
  // for tabs and newlines, DEL, C1) and each byte that is not UTF-8 is "\xNN" (four bytes for one).
  std::string last_lines = {};

  // One line; for kRequireSuccess followed by last_lines, each of them after "| ".
  std::string to_string() const;
};

// "options", "spawn", "feed", "wait", "termination", "require_success".
std::string_view to_string(RunError::Step step);

std::error_code make_error_code(const RunError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const RunError& error);
std::ostream& operator<<(std::ostream& out, RunError::Step step);
std::ostream& operator<<(std::ostream& out, const RunError& error);

// Starts the command and returns when it has ended. Its streams are those that the command sets; one that it leaves
// unset is captured (stdout and stderr) or /dev/null (stdin, unless there is something to feed). A stdin pipe of the
// command's own is closed at once, whatever keep_stdin_open() says, since the caller could not write to it.
//
// A value does not mean success: see require_success(). It means that the child has ended; if it was terminated, its
// group with it. A child that ended by itself may leave processes in its group: they are left alone, and get SIGPIPE
// when they write to a captured stream from then on; `drain` names those that held one.
//
// Blocks: for the spawn, the timeout, what the policy takes, drain_timeout, and a reading of /proc where a stream is
// held; a child that does not read its input and a process that holds a stream do not prolong that. Opening and reading
// stdin_file takes what its file system takes, but for the ETIMEDOUT above.
// Errors: RunError::Step. After an error of kTermination, or of kFeed with a termination_error, the child may live, and
// its reaper stays to collect the exit; else nothing of its group is left. Throws std::bad_alloc when memory ends,
// after it has killed the child.
Result<RunResult, RunError> run(const Command& command, RunOptions options = {});

// Passes a success on: exit code 0, within its time. Turns anything else into an error of kRequireSuccess: another
// code, a signal, a lost status, the timeout (whatever the status), an input that could not be read to its end. Input
// that the child did not read, and a held stream, are no errors. Passes an error on as it is.
Result<RunResult, RunError> require_success(RunResult result);
Result<RunResult, RunError> require_success(Result<RunResult, RunError> result);

}  // namespace warden

#endif  // WARDEN_RUN_H_

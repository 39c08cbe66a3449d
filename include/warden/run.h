// A child from its start to its end in one call: it is fed, what it writes is read, and it is terminated if it takes
// too long.
//
// Example:
//   warden::RunOptions options;
//   options.stdin_text = source;
//   options.timeout = absl::Seconds(30);
//   warden::Result<warden::RunResult, warden::RunError> done =
//       warden::check(warden::run(warden::Command("clang-format"), options));
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
#include "warden/wait_or_terminate.h"

namespace warden {

struct RunOptions {
  // How long the child has, from the moment in which its program runs. Then it is terminated. Zero: at once.
  absl::Duration timeout = absl::InfiniteDuration();

  // How it is terminated then.
  TerminationPolicy policy = TerminationPolicy::service(absl::Seconds(5));

  // How long the end of its output is waited for after its own end: somebody else may hold a stream (output_drain.h).
  absl::Duration drain_timeout = kDefaultDrainTimeout;

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

  // Why no more did, unless that was everything: the child closed its stdin (kNoReader), ended (kNoReader or
  // kChildEnded), or was terminated (kClosed or those).
  std::optional<StdinError> stopped = std::nullopt;

  // Why the input could not be read to its end: the errno of reading the file; ETIMEDOUT where a read had not returned
  // 3 s after the child's end (a thread is left that waits for it); ENOMEM. The child has got what came before, and
  // then the end of its input. check() makes an error of it.
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

  // Whether that is all of it, and who holds a stream if not.
  DrainResult drain = {};

  // Empty when nothing was to be fed.
  std::optional<StdinReport> stdin_report = std::nullopt;

  // The time that it had. It had passed where there is a report of its termination; see WaitOrTerminateResult.
  absl::Duration timeout = absl::InfiniteDuration();
  std::optional<TerminationReport> termination = std::nullopt;
  bool timed_out() const { return termination.has_value(); }
};

// A run that has no result, or one that check() does not let pass.
struct RunError {
  enum class Step {
    kOptions,      // bad input, refused: nothing was started
    kSpawn,        // the child could not be started, and nothing is left of it
    kFeed,         // no thread could be had that feeds stdin: the child was killed
    kWait,         // the wait broke, and the child was terminated for it
    kTermination,  // the child could not be terminated; what is left of it is in wait_error
    kCheck,        // the child ran to its end, and was not successful
  };
  Step step = Step::kOptions;
  std::string process_name;
  // The errno of the step, or an Errc. For kCheck ETIMEDOUT where the time had passed, else Errc::kUnsuccessful, or the
  // errno of reading the input.
  std::error_code code = {};

  // The error of the step.
  std::optional<InvalidArgument> invalid_argument = std::nullopt;    // kOptions
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

  // kCheck: the end of stderr (of stdout where stderr is merged into it), beyond the capture's limit, too: 10 lines, 4
  // KiB at most. Begins with "..." where there is more before it. Control characters are '?'.
  std::string last_lines = {};

  // One line; for kCheck followed by last_lines.
  std::string to_string() const;
};

// "options", "spawn", "feed", "wait", "termination", "check".
std::string_view to_string(RunError::Step step);

std::error_code make_error_code(const RunError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const RunError& error);
std::ostream& operator<<(std::ostream& out, RunError::Step step);
std::ostream& operator<<(std::ostream& out, const RunError& error);

// Starts the command and returns when it has ended. Its streams are what the command says; those that it leaves unset
// are /dev/null for stdin, unless there is something to feed, and captured for stdout and stderr. A stdin pipe of the
// command's own is closed at once, whatever keep_stdin_open() says, since nobody could write to it.
//
// Ok says nothing of success: see check(). It means that the child has ended; if it was terminated, its group with it.
// What a child that ended by itself has left in its group is left alone, and gets SIGPIPE when it writes to a captured
// stream from then on; where it held one, `drain` says who.
//
// Blocks: for the spawn, the timeout, what the policy takes, drain_timeout, and a reading of /proc where a stream is
// held; a child that does not read its input and a process that holds a stream do not prolong that. Opening stdin_file
// and a read of it are as quick as its file system, but for the ETIMEDOUT above.
// Errors: RunError::Step. After an error of kTermination, or of kFeed with a termination_error, the child may live, and
// a thread of ours stays to collect its exit; else nothing of its group is left. std::bad_alloc may come out of it; the
// child has been killed then.
Result<RunResult, RunError> run(const Command& command, RunOptions options = {});

// Lets a success pass: exit code 0, within its time. Anything else becomes an error of kCheck: another code, a signal,
// a lost status, the timeout (whatever the status), an input that could not be read to its end. What was fed and not
// read, and a held stream, are no errors. An error that comes in goes out as it is.
Result<RunResult, RunError> check(RunResult result);
Result<RunResult, RunError> check(Result<RunResult, RunError> result);

}  // namespace warden

#endif  // WARDEN_RUN_H_

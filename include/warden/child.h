// A child process under supervision.
//
// Example:
//   warden::Command command("postgres");
//   command.args({"-D", dir});
//   warden::Result<warden::Child, warden::SpawnError> child = warden::Child::spawn(command);
//   if (!child) return fail(child.error().to_string());
//   ...
//   warden::Result<warden::ExitStatus, warden::TerminationError> ended =
//       child.value().terminate(/*interrupt_timeout=*/absl::Seconds(1), /*terminate_timeout=*/absl::Seconds(5));
#ifndef WARDEN_CHILD_H_
#define WARDEN_CHILD_H_

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/time/time.h"
#include "warden/attempt_log.h"
#include "warden/command.h"
#include "warden/error.h"
#include "warden/exit_status.h"
#include "warden/output.h"
#include "warden/output_drain.h"
#include "warden/result.h"
#include "warden/signal.h"
#include "warden/stdin_error.h"
#include "warden/termination_error.h"
#include "warden/termination_policy.h"
#include "warden/termination_report.h"
#include "warden/wait_or_terminate.h"

namespace warden {

// Declared alone, since most callers need none of them: include warden/output_line.h for on_line() and wait_for_line(),
// and warden/readiness.h for wait_until_ready().
class LineCallback;
class LinePredicate;
struct LineWait;
class ReadyPredicate;
struct Readiness;

namespace internal {
struct Handle;
struct ChildAccess;
}  // namespace internal

// What a look at a child says.
struct ProcessState {
  enum class Kind {
    kRunning,
    kExited,     // `status` is set
    kUncertain,  // `error` says why it cannot be told; treat it as maybe alive
  };
  Kind kind = Kind::kRunning;
  std::optional<ExitStatus> status;
  std::error_code error;
};

// "running", the status, or "uncertain: " and why.
std::ostream& operator<<(std::ostream& out, const ProcessState& state);

// How Child::adopt takes a process.
struct AdoptOptions {
  std::string name;  // "pid N" when empty
};

// A handle to one child. Each child has a thread of its own, the reaper, which sleeps until the child ends, collects
// the exit status and publishes it; one whose output is captured (Stdio::capture) has a second, which reads that. The
// process changes nothing else of the program: no handler, disposition or mask, and no other child is ever waited for.
//
// A Child that is destroyed before anybody saw its end (wait, terminate, kill or try_wait that returned a status) and
// without must_not_be_terminated() or terminate_on_drop() is a mistake in the program: the destructor kills the group,
// waits up to 3 s for it, and says so (misuse.h). It does all of that, too, while an exception is on its way and in the
// destructor of a static Child; a Child that lives on at exit() without being destroyed leaves its process running.
//
// Thread-safe: any number of threads may call anything on one Child at the same time, and all see the same status; only
// moving from it and destroying it need it alone. Every call on a moved-from Child fails with Errc::kEmptyHandle.
//
// After a fork(2) the child process stays this process's: in the forked copy every call fails with Errc::kNotOwner and
// does nothing, pid() and name() aside, and the destructor only closes the copies of the descriptors. (A daemon that
// closes every descriptor after its fork therefore destroys no Child that it has inherited.)
class Child {
 public:
  // Starts a child and returns when its program runs (execve succeeded), so its group exists and can be signalled.
  // Blocks: until then; not bounded (a program on a hung network file system, a stopped child before its exec).
  // Errors: names the step that failed and its errno (error.h); nothing is left behind. "Text file busy" is retried for
  // up to a second.
  static Result<Child, SpawnError> spawn(const Command& command);

  // Takes a running or unreaped child of this process, however it was started, under supervision. Whoever started it
  // must not wait for it any more. Where the process leads a group of its own, the group is what is ended; else only
  // the process. Errors: EINVAL for a pid below 2; Errc::kNotAChild when it is not, or no longer, a child of ours.
  static Result<Child, SpawnError> adopt(int pid, const AdoptOptions& options = {});

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;  // ends the child that it had as the destructor does
  ~Child();

  // The number that the child had; stays the same after its end, when it may belong to somebody else.
  int pid() const;
  // What Command::display_name() said; valid as long as the handle.
  std::string_view name() const;

  // Waits for the exit of the child itself, whatever is left of its group.
  // Blocks: until then, without a bound. Closes an open stdin pipe first (but see Command::keep_stdin_open).
  Result<ExitStatus> wait();

  // Waits for the exit, at most so long. Leaves an open stdin pipe alone. Zero looks once; absl::InfiniteDuration() has
  // no bound. Errors: EINVAL for a negative duration. Empty when the time passed first.
  Result<std::optional<ExitStatus>> wait_for(absl::Duration timeout);
  Result<std::optional<ExitStatus>> wait_until(std::chrono::steady_clock::time_point deadline);

  // Waits at most so long for the exit, and terminates the child by the policy if it has not come, or if the wait
  // itself fails. Closes an open stdin pipe first. Blocks: for the timeout, and then as terminate does. Errors: say
  // which of the two failed, with both errors where both did (wait_or_terminate.h).
  Result<WaitOrTerminateResult, WaitOrTerminateError> wait_or_terminate(absl::Duration timeout,
                                                                        const TerminationPolicy& policy);

  // Waits until the predicate says that the child is ready: until it accepts connections, say. It is called at once,
  // then after each interval, and a last time when the timeout has passed, on this thread, with no lock held: it may
  // call anything on this Child but move or destroy it. Ends at once when the child does, and does not ask then.
  // Blocks: for the timeout and for what the predicate takes. Closes no stdin pipe. Errors: EINVAL for a negative
  // duration, an interval of zero, an empty predicate; those of wait_for. What the predicate throws passes through.
  Result<Readiness> wait_until_ready(const ReadyPredicate& predicate, absl::Duration interval, absl::Duration timeout);

  // Looks once and does not wait for the exit.
  // Blocks: not, but for one case: where somebody else has just reaped the child (a foreign wait, SIGCHLD ignored), for
  // what the kernel takes to hand over its status, 1 s at most (PIDFD_GET_INFO, Linux 6.15). Another thread's call on
  // the same Child may hold it up for a reading of /proc.
  Result<std::optional<ExitStatus>> try_wait();

  // Looks once, and blocks no more than try_wait does. Unlike try_wait it does not count as having seen the end (see
  // the destructor).
  ProcessState state() const;

  // Ends the child and its group: SIGINT, up to interrupt_timeout; SIGTERM, up to terminate_timeout; SIGKILL, up to 3
  // s. Returns as soon as it is gone. After each of the first two SIGCONT is sent, so that a stopped child runs its
  // handlers. Closes an open stdin pipe before the first wait. Called again, or on a child that has ended, it returns
  // the status. Blocks: for the two timeouts and 3 s at most; a signal that cannot be sent costs 100 ms in place of its
  // timeout. Errors: what was tried is in the error; the child stays supervised, and the call can be repeated.
  Result<ExitStatus, TerminationError> terminate(absl::Duration interrupt_timeout, absl::Duration terminate_timeout);
  // The same by any policy.
  Result<ExitStatus, TerminationError> terminate(const TerminationPolicy& policy);
  // The same, with the whole story on success too.
  Result<TerminationReport, TerminationError> terminate_with_report(const TerminationPolicy& policy);

  // SIGKILL to the group, and the wait for it. Closes an open stdin pipe first. Idempotent.
  // Blocks: 3 s at most.
  Result<ExitStatus, TerminationError> kill();

  // One signal to the group (to the child alone with Command::group(false)), without SIGCONT and without a wait.
  // Success when the child has already ended; nothing is sent then. Errors: kSignalFailed with the errno; the child is
  // as it was.
  Result<void, TerminationError> send_interrupt_signal();
  Result<void, TerminationError> send_terminate_signal();
  Result<void, TerminationError> send_signal(Signal signal);

  // The log of the last escalation or manual signal that did something; empty before the first.
  AttemptLog attempt_log() const;

  // Writes all of the data, NULs too, to the stdin pipe (Stdio::pipe()), which stays open. Ends early when nobody can
  // read it, when the child ends (though a process that it has left may hold the pipe), and when another thread closes
  // the pipe, which any wait(), terminate or kill does (but see Command::keep_stdin_open). Never raises SIGPIPE, and
  // leaves its disposition, the mask and what is pending alone. Several threads' data are not mixed: one waits for the
  // other within its own timeout. The pipe is not made O_NONBLOCK: that would be everybody's who has it.
  // Blocks: for the timeout at most, whether the child reads or not; zero writes what fits at once. (Before Linux 6.4
  // longer, if another thread fills the pipe by stdin_fd() at the same moment.) In a callback of the Child's own
  // output, during which nothing is read, absl::InfiniteDuration() is refused with Errc::kWouldDeadlock. Errors: say
  // how much was written, and why no more (stdin_error.h); the child has got that much or will.
  Result<void, StdinError> write_stdin(std::string_view data, absl::Duration timeout);

  // The write end of the stdin pipe, close-on-exec; -1 when there is none or it is closed. It stays the Child's.
  // Writing to it after the child's end raises SIGPIPE like any pipe. Any wait(), terminate or kill closes it: a thread
  // that writes to it must know that no other calls those meanwhile.
  int stdin_fd() const;
  // Closes it; the child reads end of file, once a write_stdin() in another thread has returned, which it does at once.
  // Idempotent.
  void close_stdin();

  // What a captured stream is at the moment. After the child's end, drain_output() first: its last words may not have
  // been read. Errors of this and the next three: Errc::kNotCaptured (a merged stderr is part of stdout),
  // kWouldDeadlock, kEmptyHandle, kNotOwner.
  Result<Output, OutputError> output(OutputStream stream) const;

  // Calls back for each line of a captured stream, those that are kept from before first, none twice and none missing:
  // on the thread that reads the output, which runs no two callbacks of one Child at a time (output_line.h says what a
  // callback may do). Holds until the Child is destroyed; the destructor waits for a callback that runs and starts none
  // after.
  Result<void, OutputError> on_line(OutputStream stream, LineCallback callback);

  // Waits for a line that contains the text, or that the predicate takes, at most so long. Sees what was written before
  // the call, as far as it is kept; zero looks at that alone. Ends at once when the stream or the child does; what the
  // child wrote before its end is looked at first.
  // Blocks: for the timeout, and up to 3 s longer while another callback runs. Errors: EINVAL for a negative duration,
  // too.
  Result<LineWait, OutputError> wait_for_line(OutputStream stream, std::string_view text, absl::Duration timeout);
  Result<LineWait, OutputError> wait_for_line(OutputStream stream, const LinePredicate& predicate,
                                              absl::Duration timeout);

  // Waits for the end of all captured streams, at most so long: call it when the child has ended. What the child itself
  // wrote is always read, even with zero; a stream that somebody else holds open is reported with its holders, and is
  // no error (output_drain.h). Changes nothing of the child's status. Nothing is captured: an empty result.
  // Blocks: for the timeout, up to 3 s longer while a callback runs, and for a reading of /proc where a stream is held.
  Result<DrainResult, OutputError> drain_output(absl::Duration timeout = kDefaultDrainTimeout);

  // The child may outlive this handle: the destructor then signals nobody, and the reaper thread stays to collect the
  // exit.
  void must_not_be_terminated();
  // Undoes that.
  void must_be_terminated();
  // Whether destroying the handle now would be the mistake of above, or end the child by terminate_on_drop(): nobody
  // has seen the end, nor excused the child. False for a handle that is not usable.
  bool is_armed() const;

  // From now on destroying the handle before its end was seen is no mistake: the destructor terminates the child by
  // this policy, and blocks as terminate does. What that cannot end is killed and reported as above.
  // must_not_be_terminated() still wins. Errors: kInvalidPolicy; nothing is changed then.
  Result<void, TerminationError> terminate_on_drop(
      const TerminationPolicy& policy = TerminationPolicy::service(absl::Seconds(5)));

 private:
  friend std::vector<Result<TerminationReport, TerminationError>> terminate_all(const std::vector<Child*>& children,
                                                                                const TerminationPolicy& policy);
  friend struct internal::ChildAccess;

  explicit Child(internal::Handle* handle);

  internal::Handle* handle_;  // its own; null once moved from
};

}  // namespace warden

#endif  // WARDEN_CHILD_H_

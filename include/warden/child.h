// A child process under supervision: it is started, waited for and ended, with everything in its process group or tree
// (containment.h). "The group" below is all that the child's containment holds.
//
// Start a server, use it, end it:
//   warden::Command command("postgres");
//   command.args({"-D", dir});
//   warden::Result<warden::Child, warden::SpawnError> spawned = warden::Child::spawn(command);
//   if (!spawned) return fail(spawned.error().to_string());
//   warden::Child server = std::move(spawned).value();
//   ...
//   warden::Result<warden::ExitStatus, warden::TerminationError> ended = server.terminate(1s, 5s);
//   if (!ended) return fail(ended.error().to_string());  // who is left, and everything that was tried
//
// Wait for a program that ends by itself, but no longer than a minute:
//   auto ended = child.wait_or_terminate(1min, warden::TerminationPolicy::service(5s));
//   if (ended && !ended.value().timed_out()) return ended.value().status.exit_code();
//
// Wait until it has written a line (include warden/output_line.h), and read what it wrote:
//   command.stdout_to(warden::Stdio::capture());
//   ...
//   auto line = child.wait_for_line(warden::OutputStream::kStdout, "listening", 30s);
//   ...
//   auto drained = child.drain_output();  // whether that is all, and who holds the stream if not
//   log(child.output(warden::OutputStream::kStdout).value().text());
//
// Let the scope end it, at an early return, too:
//   child.terminate_on_destruction(warden::TerminationPolicy::service(5s)).value();
//
// Run it from start to end in one call: run.h. End many at once: terminate_all.h.
#ifndef WARDEN_CHILD_H_
#define WARDEN_CHILD_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/time/time.h"
#include "warden/attempt_log.h"
#include "warden/command.h"
#include "warden/containment.h"
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
#include "warden/timeout.h"
#include "warden/wait_or_terminate.h"

namespace warden {

// Declared alone, since most callers need none of them: include warden/output_line.h for on_line(), wait_for_line() and
// wait_for_text(), and warden/readiness.h for wait_until_ready().
template <class Signature>
class Function;
struct Line;
using LineCallback = Function<void(const Line&)>;
using LinePredicate = Function<bool(const Line&)>;
struct LineWait;
using ReadyPredicate = Function<bool()>;
struct Readiness;

namespace internal {
struct Handle;
struct ChildAccess;
}  // namespace internal

// The state of a child, as Child::state() sees it.
struct ProcessState {
  enum class Kind {
    kRunning,
    kExited,     // `status` is set
    kUncertain,  // `error` says why the state is not known; treat the child as maybe alive
  };
  Kind kind = Kind::kRunning;
  std::optional<ExitStatus> status;
  std::error_code error;
};

// "running", "exited", "uncertain".
std::string_view to_string(ProcessState::Kind kind);

std::ostream& operator<<(std::ostream& out, ProcessState::Kind kind);
// "running", the status, or "uncertain: " and why.
std::ostream& operator<<(std::ostream& out, const ProcessState& state);

// How Child::adopt takes a process.
struct AdoptOptions {
  std::string name;  // "pid N" when empty
};

// A handle to one child. Each child has a thread of its own, the reaper: it sleeps until the child ends, collects the
// exit status and publishes it. A child whose output is captured (Stdio::capture) has a second thread, which reads the
// output. The library changes nothing else in the process: no handler, disposition or mask, and it waits for no other
// child.
//
// Before the program destroys a Child it has to see the end of the child: in a status that one of the waits,
// terminations or kills returned, or in a manual signal that found the child ended. (state() does not count.) Without
// that, and without one of the calls of "Let go", the child is abandoned, which is a mistake in the program: the
// destructor kills the group, waits up to 3 s for it, and reports the mistake (abandoned_child.h). It does all of that,
// too, while an exception is in flight and for a static Child. A Child that is not destroyed at exit() leaves its
// process running.
//
// Thread-safe: any number of threads may call anything on one Child at the same time, and all see the same status. No
// other thread may use it while one moves or destroys it. A moved-from Child is empty: its pid is -1, its name, log and
// stdin are none, what returns nothing does nothing, and every other call fails with Errc::kEmptyHandle.
//
// After a fork(2) the child still belongs to this process. In the forked copy every call but pid() and name() fails
// with Errc::kNotOwner and does nothing, and the destructor only closes the copies of the descriptors. (So a daemon
// that closes every descriptor after its fork must not destroy a Child that it has inherited.)
class Child {
 public:
  // --- Start ---

  // Starts a child and returns when its program runs (execve succeeded), so its group exists and can be signalled.
  // Retries "Text file busy" for up to a second.
  // Blocks: until then, without a bound (a program on a hung network file system, a child that is stopped before its
  // exec).
  // Errors: the step that failed and its errno (error.h); nothing is left behind.
  static Result<Child, SpawnError> spawn(const Command& command);

  // Takes a running or unreaped child of this process under supervision, however it was started, and whatever its exit
  // signal is (clone(2); before Linux 4.7 only SIGCHLD). The code that started it must not wait for it any more. If the
  // process leads a group of its own, the group is what is ended; else only the process.
  // Errors: EINVAL for a pid below 2; Errc::kNotAChild when it is not, or no longer, a child of ours, such as a process
  // that this one only traces (known from /proc); the errno of creating the reaper. The process is as it was.
  static Result<Child, SpawnError> adopt(int pid, const AdoptOptions& options = {});

  // Leaves `other` empty: its calls fail with Errc::kEmptyHandle, and its destructor does nothing.
  Child(Child&& other) noexcept;
  // Takes over the other's child as above, and then does with the child that it had what the destructor does, and
  // blocks for that. Moved to itself it keeps its child.
  Child& operator=(Child&& other) noexcept;
  // Sends nothing where the program has seen the end of the child. Else does what it was told: see "Let go" below.
  // Waits in any case for a callback that runs (on_line()), without a bound, and up to 1 s for the reaper.
  // Blocks beside that: up to 3 s for a child that is killed; as terminate() does after terminate_on_destruction(), and
  // up to 3 s more where the policy fails.
  ~Child();

  // The child's process id. Stays the same after the end, when the kernel may have given it to another process.
  int pid() const;
  // What the spawn has got of Command::containment(); kGroup for an adopted child and for an empty handle.
  Containment containment() const;
  // Command::display_name() at the spawn; valid as long as the handle.
  std::string_view name() const;

  // --- Wait ---

  // Waits for the exit of the child itself, whatever is left of its group. Closes an open stdin pipe first (but see
  // Command::keep_stdin_open).
  // Blocks: until the exit, without a bound.
  // Errors: the errno of a look that failed; the child may live. Errc::kWouldDeadlock in a callback of the child's own
  // output, as for every call that waits.
  Result<ExitStatus, WaitError> wait();

  // Waits for the exit, until the timeout or the deadline has passed. Empty when it passed first. Leaves an open stdin
  // pipe alone. Zero looks once; absl::InfiniteDuration() has no bound.
  // Errors: EINVAL for a negative duration.
  Result<std::optional<ExitStatus>, WaitError> wait_for(Timeout timeout);
  Result<std::optional<ExitStatus>, WaitError> wait_until(Deadline deadline);

  // Waits for the exit up to the timeout, and then terminates the child by the policy; at once if the wait itself
  // fails. Closes an open stdin pipe first.
  // Blocks: for the timeout, and then as terminate does.
  // Errors: say which of the two failed, with both errors where both did (wait_or_terminate.h).
  Result<WaitOrTerminateResult, WaitOrTerminateError> wait_or_terminate(Timeout timeout,
                                                                        const TerminationPolicy& policy);

  // Calls the predicate until it says that the child is ready: that it accepts connections, say. Calls it at once, then
  // after each interval, and a last time when the timeout has passed; on this thread, with no lock held, so that it may
  // call anything on this Child but move or destroy it. Ends at once when the child does, without another call. Closes
  // no stdin pipe.
  // Blocks: for the timeout and for what the predicate takes.
  // Errors: EINVAL for a negative duration, an interval of zero, an empty predicate; those of wait_for. What the
  // predicate throws passes through.
  Result<Readiness, WaitError> wait_until_ready(const ReadyPredicate& predicate, Timeout interval, Timeout timeout);

  // Looks for the exit once, and does not wait for it.
  // Blocks: not, but for one case: where other code has just reaped the child (a foreign wait, SIGCHLD ignored), for
  // what the kernel takes to hand over its status, 1 s at most (PIDFD_GET_INFO, Linux 6.15). Another thread's call on
  // the same Child may hold it up for a reading of /proc.
  Result<std::optional<ExitStatus>, WaitError> try_wait();

  // Looks once. Unlike try_wait this does not count as having seen the end (see the destructor).
  // Blocks: no more than try_wait.
  ProcessState state() const;

  // --- End ---

  // Ends the child and its group: sends SIGINT and waits up to interrupt_timeout, then SIGTERM and up to
  // terminate_timeout, then SIGKILL and up to 3 s. Returns as soon as the group is gone. Sends SIGCONT after each of
  // the first two, so that a stopped child runs its handlers. Closes an open stdin pipe before the first wait. Called
  // again, or on a child that has ended, it returns the status.
  // Blocks: for the two timeouts and 3 s at most; a signal that cannot be sent costs 100 ms in place of its timeout.
  // Errors: what was tried is in the error; the child stays supervised, and the call can be repeated. kRefused for a
  // negative timeout or a wrong policy: nothing was tried.
  Result<ExitStatus, TerminationError> terminate(Timeout interrupt_timeout, Timeout terminate_timeout);
  // The same by any policy.
  Result<ExitStatus, TerminationError> terminate(const TerminationPolicy& policy);
  // The same, and reports on success, too, what was done.
  Result<TerminationReport, TerminationError> terminate_with_report(const TerminationPolicy& policy);

  // Sends SIGKILL to the group and waits until it is gone. Closes an open stdin pipe first. Idempotent.
  // Blocks: 3 s at most.
  // Errors: as of terminate().
  Result<ExitStatus, TerminationError> kill();

  // Sends one signal to the group (to the child alone with Command::group(false)), without SIGCONT, and does not wait.
  // Sends nothing to a child that has already ended, which is a success.
  // Errors: kSignalFailed with the errno; kRefused for a signal that the C library reserves (32, 33). The child is as
  // it was.
  Result<void, TerminationError> send_interrupt_signal();
  Result<void, TerminationError> send_terminate_signal();
  Result<void, TerminationError> send_signal(Signal signal);

  // The log of the last escalation or manual signal that did something; empty before the first.
  AttemptLog attempt_log() const;

  // --- Its stdin ---

  // Writes all of the data, NULs too, to the stdin pipe (Stdio::pipe()), which stays open. Ends early when no process
  // can read the pipe, when the child ends (though a process that the child has left may hold the pipe), and when
  // another thread closes the pipe, which any wait(), terminate or kill does (but see Command::keep_stdin_open). Never
  // raises SIGPIPE, and leaves its disposition, the mask and the pending signals alone. Does not mix the data of
  // several threads: each waits for its turn within its own timeout. Does not make the pipe O_NONBLOCK, which would
  // hold for every process that has it.
  // Blocks: for the timeout at most, whether the child reads or not; zero writes what fits at once. (Before Linux 6.4
  // longer, if another thread fills the pipe by stdin_fd() at the same moment.)
  // Errors: say how much was written, and why no more (stdin_error.h); the child has got that much or will.
  // Errc::kWouldDeadlock for absl::InfiniteDuration() in a callback of the Child's own output, during which nothing is
  // read.
  Result<void, StdinError> write_stdin(std::string_view data, Timeout timeout);

  // The write end of the stdin pipe, close-on-exec; -1 when there is none or it is closed. The Child owns it. A write
  // to it after the child's end raises SIGPIPE, as with any pipe. Any wait(), terminate or kill closes it: no thread
  // may call those while another writes to it.
  int stdin_fd() const;
  // Closes the stdin pipe. The child reads end of file once a write_stdin() in another thread has returned, which it
  // does at once. Idempotent.
  void close_stdin();

  // --- Its output ---

  // What has been read of a captured stream so far. After the child's end call drain_output() first: the last output
  // may not have been read yet. Errors of this and the next four: Errc::kNotCaptured (a merged stderr is part of
  // stdout), kWouldDeadlock, kEmptyHandle, kNotOwner.
  Result<Output, OutputError> output(OutputStream stream) const;

  // Calls back for each line of a captured stream, none twice and none missing, beginning with the lines that are kept
  // from before. The thread that reads the output runs the callback, and no two of one Child at a time (output_line.h
  // says what a callback may do). A last line without a newline comes when the stream ends, or from drain_output().
  // Holds until the Child is destroyed; the destructor waits for a callback that runs, and starts no other.
  // Errors: EINVAL for an empty callback, too.
  Result<void, OutputError> on_line(OutputStream stream, LineCallback callback);

  // Waits up to the timeout for a line that contains the text, or that the predicate takes. Looks first at what was
  // written before the call, as far as it is kept; zero looks at that alone. Ends at once when the stream or the child
  // does, after a look at what the child wrote before its end: at a last line without a newline, too.
  // Blocks: for the timeout, and up to 3 s longer while another callback runs.
  // Errors: EINVAL for a negative duration and an empty predicate, too.
  Result<LineWait, OutputError> wait_for_line(OutputStream stream, std::string_view text, Timeout timeout);
  Result<LineWait, OutputError> wait_for_line(OutputStream stream, const LinePredicate& predicate, Timeout timeout);

  // The same, but does not wait for the newline, which a prompt never has: looks at the last line also while it is
  // unfinished (Line::unfinished), at the call and each time that more of it has been read. A read may end anywhere: a
  // predicate gets a line as far as it has come, and again when it has grown.
  Result<LineWait, OutputError> wait_for_text(OutputStream stream, std::string_view text, Timeout timeout);
  Result<LineWait, OutputError> wait_for_text(OutputStream stream, const LinePredicate& predicate, Timeout timeout);

  // Waits up to the timeout for the end of all captured streams: call it when the child has ended. Always reads what
  // the child itself wrote, even with zero. A stream that another process holds open is no error: the result names its
  // holders (output_drain.h). If the child has ended, the callbacks of such a stream then get the line that it has left
  // unfinished (Line::unfinished); what comes of that line later is a line of its own. Changes nothing of the child's
  // status. Returns an empty result when nothing is captured.
  // Blocks: for the timeout, up to 3 s longer while a callback runs, and for a reading of /proc where a stream is held.
  Result<DrainResult, OutputError> drain_output(Timeout timeout = kDefaultDrainTimeout);

  // --- Let go ---

  // What the destructor does with a child whose end the program has not seen. The last of the three calls holds, and
  // none counts once the end was seen. Without any of them the child is abandoned: see the class.
  //
  // The destructor kills the group, as kill() does.
  void kill_on_destruction();
  // The destructor terminates the child by this policy, and blocks as terminate does. A child that the policy cannot
  // end is killed and reported as an abandoned one.
  // Errors: kRefused; nothing is changed then.
  Result<void, TerminationError> terminate_on_destruction(
      const TerminationPolicy& policy = TerminationPolicy::service(absl::Seconds(5)));
  // Lets the child outlive this handle: the destructor sends no signal, and the reaper stays to collect the exit.
  void detach_on_destruction();
  // Whether the destructor would now end the child. False for a handle that is not usable.
  bool ends_on_destruction() const;

 private:
  friend std::vector<Result<TerminationReport, TerminationError>> terminate_all(const std::vector<Child*>& children,
                                                                                const TerminationPolicy& policy);
  friend struct internal::ChildAccess;

  explicit Child(internal::Handle* handle);

  internal::Handle* handle_;  // its own; null once moved from
};

}  // namespace warden

#endif  // WARDEN_CHILD_H_

// Errors as payload structs over std::error_code: what failed, for which process, with the facts.
//
// Each struct converts to its std::error_code through make_error_code (found by argument-dependent lookup), which is
// how BOOST_OUTCOME_TRY narrows it, and each prints as one line that says everything it knows.
#ifndef WARDEN_ERROR_H_
#define WARDEN_ERROR_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace warden {

// Conditions of this library that no errno describes; the category's name is "warden".
enum class Errc {
  kNotAChild = 1,    // the process is not a child of ours, or other code has reaped it
  kStillRunning,     // SIGKILL was sent, and the child has not gone within the bound
  kSurvivors,        // the leader is gone, and processes of its group or tree are left
  kGroupUnknown,     // whether the group is empty cannot be known here (/proc is missing or hidden)
  kEmptyHandle,      // the Child was moved from
  kStatusUnknown,    // the status could not be read, for a reason that is not ECHILD
  kNotReapable,      // SIGKILL has ended it, and a tracer has not let the zombie go within the bound
  kNotOwner,         // this is a forked copy of the process that has the Child
  kWouldDeadlock,    // a callback of the Child's own output may not wait for, terminate or drain it
  kNotCaptured,      // the stream was not captured (Stdio::capture)
  kUnsuccessful,     // the child ended with another exit code than 0, of a signal, or in an unknown way
                     // (require_success())
  kNotExecuted,      // the child was killed before it had executed the program: by the OOM killer, or by a person
  kContainmentLost,  // the keeper of the tree was ended by somebody else: what is left of the tree is not known
};

const std::error_category& error_category();
std::error_code make_error_code(Errc code);

// Bad input, refused before anything was started.
struct InvalidArgument {
  std::string field;   // what was wrong: "signal", "interrupt_timeout"
  std::string value;   // what it was, printable
  std::string reason;  // what it should have been

  std::string to_string() const;
};

std::error_code make_error_code(const InvalidArgument& error);  // always EINVAL

// A child that could not be started. Nothing is left of it: no process, no zombie, no descriptor, no thread. Or a
// process that could not be adopted (kAdopt, kCreateThread), which is as it was.
struct SpawnError {
  // Where it failed. Steps from kSetGroup to kExec happen in the child, in about this order.
  enum class Step {
    kValidate,           // the Command itself; `invalid_argument` says what
    kInitialise,         // an initialiser of Boost.Process (boost_process.h)
    kResolveProgram,     // PATH lookup
    kCreateThread,       // the reaper thread
    kCreateReader,       // the thread that reads the captured streams
    kCreatePipe,         // the pipe for stdin or a captured stream
    kLaunch,             // clone(2)
    kSetGroup,           // setpgid(2)
    kSetSession,         // setsid(2)
    kUnshareFiles,       // a descriptor table of its own
    kSetDescriptor,      // dup3(2), fcntl(2)
    kOpenFile,           // open(2) for a stream; `subject` is the path
    kSetForeground,      // the terminal's foreground group
    kSetLimit,           // prlimit(2)
    kSetNice,            // setpriority(2)
    kSetAffinity,        // sched_setaffinity(2); `subject` is the processors: "0,2"
    kSetGroups,          // setgroups(2)
    kSetGid,             // setresgid(2)
    kSetUid,             // setresuid(2)
    kChangeDirectory,    // chdir(2)
    kNoNewPrivileges,    // prctl(2)
    kParentDeathSignal,  // prctl(2)
    kContain,            // the keeper of a tree (containment.h); `subject` is the call that was refused
    kExec,               // execve(2); `subject` is the path that was tried
    kAdopt,              // taking an existing process under supervision
  };
  Step step = Step::kValidate;
  std::error_code code;  // the errno of the step (generic category), or an Errc
  std::string process_name;
  std::string subject;  // what the step was about: the path, the descriptor's number, the value; or empty
  std::optional<InvalidArgument> invalid_argument = std::nullopt;  // kValidate, and kAdopt of a number that none has

  std::string to_string() const;
};

// "validate", "set_group", "exec".
std::string_view to_string(SpawnError::Step step);

std::error_code make_error_code(const SpawnError& error);

// A call that asks about a child and got no answer; the child's state is unchanged.
struct WaitError {
  std::error_code code;
  std::string process_name;
  std::optional<InvalidArgument> invalid_argument = std::nullopt;  // set when the call itself was refused

  std::string to_string() const;
};

std::error_code make_error_code(const WaitError& error);

// What value() of a Result does with these errors: throws std::system_error with the code and to_string() as its
// what(). Where exceptions are off, it prints the message and aborts.
[[noreturn]] void outcome_throw_as_system_error_with_payload(const InvalidArgument& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const SpawnError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const WaitError& error);

std::ostream& operator<<(std::ostream& out, const InvalidArgument& error);
std::ostream& operator<<(std::ostream& out, SpawnError::Step step);
std::ostream& operator<<(std::ostream& out, const SpawnError& error);
std::ostream& operator<<(std::ostream& out, const WaitError& error);

}  // namespace warden

template <>
struct std::is_error_code_enum<warden::Errc> : std::true_type {};

#endif  // WARDEN_ERROR_H_

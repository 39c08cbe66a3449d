// What to run: program, arguments, environment, streams, and the setting that the child starts in.
//
// Example:
//   warden::Command command("postgres");
//   command.args({"-D", dir}).cwd(dir).env("PGPORT", "5555").stdout_to(warden::Stdio::file("/tmp/log"));
#ifndef WARDEN_COMMAND_H_
#define WARDEN_COMMAND_H_

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "warden/containment.h"
#include "warden/output.h"

namespace warden {

class Command;

namespace internal {
struct CommandOptions;
const CommandOptions& options_of(const Command& command);
}  // namespace internal

// Where one standard stream of the child leads. A value; opens nothing by itself.
class Stdio {
 public:
  enum class Kind { kInherit, kNull, kFd, kFile, kPipe, kCapture, kMerge };
  enum class FileMode { kRead, kTruncate, kAppend };

  // The parent's stream of the same number; /dev/null when the parent has that one closed.
  static Stdio inherit();
  // /dev/null.
  static Stdio null();
  // A copy of the parent's descriptor `fd`, which stays the caller's and must be open when the child is spawned.
  static Stdio fd(int fd);
  // A file: read for stdin, created (mode 0666 less the parent's umask) and truncated for stdout and stderr. The child
  // opens it, a relative path before it changes directory.
  static Stdio file(std::string path);
  // As file(), but written at its end.
  static Stdio append_file(std::string path);
  // stdin only: a pipe whose write end is Child::stdin_fd().
  static Stdio pipe();
  // stdout and stderr: a pipe. One thread of the Child reads both from the spawn on, and keeps the output for
  // Child::output(). A process that still writes to the pipe after the Child is destroyed gets SIGPIPE.
  static Stdio capture(const CaptureOptions& options = {});
  // stderr only: wherever stdout leads, as 2>&1 of a shell. It is the same pipe or file, so both keep the order in
  // which the child writes them, and a captured stdout has both.
  static Stdio merge();

  Kind kind() const { return kind_; }
  int descriptor() const { return fd_; }
  const std::string& path() const { return path_; }
  FileMode mode() const { return mode_; }
  const CaptureOptions& capture_options() const { return capture_; }

 private:
  explicit Stdio(Kind kind, int fd = -1, std::string path = {}, FileMode mode = FileMode::kRead);

  Kind kind_;
  int fd_;
  std::string path_;
  FileMode mode_;
  CaptureOptions capture_;
};

// "inherit", "null", "fd", "file", "pipe", "capture", "merge"; "read", "truncate", "append".
std::string_view to_string(Stdio::Kind kind);
std::string_view to_string(Stdio::FileMode mode);
std::ostream& operator<<(std::ostream& out, Stdio::Kind kind);
std::ostream& operator<<(std::ostream& out, Stdio::FileMode mode);

// A limit of the child, by the number of the resource (RLIMIT_* of sys/resource.h). kUnlimited is RLIM_INFINITY.
struct ResourceLimit {
  static constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  int resource = 0;
  std::uint64_t soft = kUnlimited;
  std::uint64_t hard = kUnlimited;
};

// User and groups that the child runs as. Needs the privilege to change them.
struct Credentials {
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  // Replaces the supplementary groups. Empty optional: with a uid or a gid given they are cleared, so that a child that
  // gives up root does not keep root's groups.
  std::optional<std::vector<std::uint32_t>> groups;
};

// A descriptor of the parent that the child gets as number `target`.
struct InheritedFd {
  int source = -1;
  int target = -1;
};

// Plain data with fluent setters; each returns *this. Child::spawn checks it all, and refuses what is wrong with an
// error that names it. Copies are independent. Thread-compatible.
class Command {
 public:
  // A name without a slash is looked up in the PATH of the child's environment (in the default path of confstr(3) when
  // that has none); one with a slash is a path. A relative path is taken from the directory that the child starts in
  // (cwd()), as execve(2) would; an entry of PATH that is relative, from the parent's.
  //
  // As that of execvp(3), the search goes on after a file that may not be executed, and after a script whose
  // interpreter is missing. Where it finds no other file, EACCES of one of them is the error. It goes on after an empty
  // file, too (but see shell_fallback()). Any other file of an unknown format ends it (ENOEXEC).
  explicit Command(std::string program);
  Command(const Command& other);
  // Leaves `other` without a program: a spawn refuses it. May throw std::bad_alloc, as a copy may.
  Command(Command&& other);
  Command& operator=(Command other);
  ~Command();

  // Runs `/bin/sh -c -- LINE`, as system(3) and popen(3) do: for callers of those, who have a line and no program and
  // arguments. The dangers are the same: what of the line comes from elsewhere has to be quoted for a shell, or the
  // shell runs it. Use a program and arguments where you can. Exit codes 127 and 126 are the shell's as a rule (no such
  // program; it may not be executed), but a program can exit with them, too, and the spawn succeeds all the same; 128 +
  // N says as a rule that signal N ended the program. The child is the shell: its exit says nothing of what it started
  // in the background, and a signal to it alone (group(false), leader_first) does not reach the program that it waits
  // for. What it starts is in its group, so terminate() and kill() end that, too. With `exec ` before the only command
  // of the line that program takes the shell's place.
  // Errors: Child::spawn refuses a NUL in the line.
  static Command shell(std::string line);

  // Appends arguments; argv[0] is the program as it was given, unless argv0() says otherwise.
  Command& arg(std::string argument);
  Command& args(std::initializer_list<std::string_view> arguments);
  Command& args(const std::vector<std::string>& arguments);

  // What the program gets as argv[0]: "-bash" for a login shell. May be empty. Changes neither the look-up nor name().
  // A script does not see it (execve(2)).
  // Errors: Child::spawn refuses a NUL.
  Command& argv0(std::string argument);

  // Off by default: a file of an unknown format is an error (ENOEXEC at SpawnError::Step::kExec). On: the child then
  // executes `/bin/sh FILE ARGUMENTS...`, as execvp(3) does, so that a script without a `#!` line runs. An empty file
  // is such a script, too (exit code 0), and so is a binary of another machine, on which the shell fails.
  Command& shell_fallback(bool fall_back);

  // Change the environment that the child gets: the parent's as it is at the spawn, with these calls applied in order.
  // setenv(3) in another thread during the spawn is undefined behaviour, as with getenv(3); after clear_env() the spawn
  // does not read the parent's.
  Command& env(std::string name, std::string value);
  Command& unset_env(std::string name);
  Command& clear_env();

  // The directory that the child starts in; the parent's by default.
  Command& cwd(std::string directory);

  // The child's name in logs, errors and reports: the program as it was given by default, never arguments or
  // environment.
  Command& name(std::string name);

  // inherit() by default; run() has other defaults (run.h).
  Command& stdin_from(Stdio stdio);
  Command& stdout_to(Stdio stdio);
  Command& stderr_to(Stdio stdio);

  // A copy that sends the streams elsewhere which no call above has set.
  Command with_default_streams(Stdio stdin_default, Stdio stdout_default, Stdio stderr_default) const;

  // The child gets copies of these, whatever their close-on-exec flags say, and of no other descriptor above 2 (but see
  // inherit_descriptors()). A target may be named once and must not be below 3.
  Command& inherit_fd(int fd);
  Command& inherit_fd(int source, int target);
  // Off by default. On: the child also keeps every descriptor that is not close-on-exec in this process at the launch,
  // as after fork(2) and execve(2); a target of inherit_fd() replaces the one of its number. The library's own are
  // close-on-exec. The launch copies the whole descriptor table. Where that is full, a target that is also a source is
  // EMFILE at SpawnError::Step::kSetDescriptor.
  Command& inherit_descriptors(bool inherit);

  // Off by default: each signal has its default disposition in the child. On: the signals that this process ignores at
  // the launch stay ignored, as execve(2) leaves them; a program below nohup(1) wants that. A program that gets SIGCHLD
  // ignored cannot wait for its own children (wait(2)).
  Command& keep_ignored_signals(bool keep);
  // Off by default: the child blocks no signal. On: it starts with the signal mask of the thread that calls
  // Child::spawn. A signal that it blocks does not end it before SIGKILL does.
  Command& keep_signal_mask(bool keep);

  // Makes Child::wait, wait_or_terminate, terminate and kill leave the stdin pipe (Stdio::pipe()) open, which they
  // close otherwise: for a program in which another thread goes on writing to the child while they wait, and then
  // closes the pipe. A child that reads to the end of its input does not end before that. The destructor of the Child
  // closes the pipe all the same.
  Command& keep_stdin_open(bool keep);

  // On by default: the child leads a process group of its own, so that terminate() reaches what it starts. Off: it
  // stays in the parent's group, and only the child itself is signalled and waited for.
  Command& group(bool own_group);
  // The child leads a session of its own (setsid(2)), and with it a group; it has no controlling terminal.
  Command& new_session(bool own_session);
  // Makes the child's group the foreground group of the terminal on its stdin before the program starts. The caller
  // takes the terminal back after the end (tcsetpgrp(3), with SIGTTOU blocked). Needs a group of its own.
  Command& foreground(bool foreground);

  Command& umask(unsigned mask);
  Command& limit(ResourceLimit limit);
  // The nice value itself (-20 to 19), not an increment.
  Command& nice(int value);
  // The processors that the child may run on, by number; the parent's by default. The kernel leaves out those which the
  // machine does not have or the cpuset does not permit (sched_setaffinity(2)).
  // Errors: Child::spawn refuses an empty list, and a number below 0 or above 8191 (the most that Linux can be built
  // for). Where the kernel leaves none: EINVAL at SpawnError::Step::kSetAffinity.
  Command& cpu_affinity(std::vector<int> processors);
  Command& credentials(Credentials credentials);
  // Off by default. On: no execve(2) of the child, or of what it starts, gives a privilege: set-user-ID bits,
  // set-group-ID bits and file capabilities have no effect (PR_SET_NO_NEW_PRIVS, prctl(2); Linux 3.5). credentials()
  // hold.
  Command& no_new_privileges(bool set);

  // How much of what the child starts is held, and ended with it (containment.h): kGroup by default. With a list, the
  // first that can be had here: the caller has written what to fall back to.
  // Errors: Child::spawn refuses an empty list and one that names a containment twice. A containment that the system
  // does not have fails at SpawnError::Step::kContain, with the call that was refused; the program has not run.
  Command& containment(Containment containment);
  Command& containment(std::initializer_list<Containment> containments);
  // A copy that is contained like this, unless a call above has said how.
  Command with_default_containment(Containment containment) const;

  // Sends SIGKILL to the child itself (not to what it started) when this process dies, however it dies
  // (PR_SET_PDEATHSIG, prctl(2)). The kernel ties this to the thread that launches, so the reaper launches, which lives
  // as long as the child. A program that is set-user-ID, set-group-ID or has capabilities clears it at its start.
  Command& die_with_parent(bool die);

  const std::string& program() const { return program_; }
  const std::vector<std::string>& arguments() const { return arguments_; }
  const std::string& display_name() const;

 private:
  friend const internal::CommandOptions& internal::options_of(const Command& command);

  void swap(Command& other) noexcept;
  Command& set_stdio(int stream, Stdio stdio);

  std::string program_;
  std::vector<std::string> arguments_;
  internal::CommandOptions* options_;  // its own
};

}  // namespace warden

#endif  // WARDEN_COMMAND_H_

#include "lib/spawn/exec_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/keeper/protocol.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/raw_syscall.h"
#include "lib/spawn/close_descriptors.h"

// Compiled without sanitizers and stack protector (BUILD.bazel): this code runs on a stack of its own beside the
// parent.
namespace warden::internal {
namespace {

[[noreturn]] void leave(int code) {
  for (;;) raw_syscall(SYS_exit_group, code);
}

void set_signal_mask(std::uint64_t mask) {
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, as_argument(&mask), 0, sizeof mask);
}

// The foreground group of the terminal on stdin, or a negative errno.
int get_foreground() {
  int group = 0;
  const long result = raw_syscall(SYS_ioctl, 0, TIOCGPGRP, as_argument(&group));
  return result < 0 ? static_cast<int>(result) : group;
}

long set_foreground(int group) { return raw_syscall(SYS_ioctl, 0, TIOCSPGRP, as_argument(&group)); }

// Gives the terminal back to the group that had it before, since the child's group is about to be empty. Blocks all
// signals first, as set_foreground() needs it (SIGTTOU).
void give_foreground_back(const ExecChildArgs& args) {
  if (args.foreground_before <= 0) return;
  set_signal_mask(~std::uint64_t{0});
  if (get_foreground() == raw_syscall(SYS_getpid)) set_foreground(args.foreground_before);
}

[[noreturn]] void fail(const ExecChildArgs& args, SpawnError::Step step, long result, int subject = -1) {
  give_foreground_back(args);
  args.failure->step = step;
  args.failure->subject = subject;
  args.failure->error = static_cast<int>(-result);
  leave(127);
}

// Fails at `step` if the call failed.
long check(const ExecChildArgs& args, SpawnError::Step step, long result, int subject = -1) {
  if (result < 0) fail(args, step, result, subject);
  return result;
}

// Waits until the keeper is complete. Up to here the child has done nothing that anybody could see.
void pass_gate(ExecChildArgs& args) {
  if (args.gate < 0) return;
  args.pid = static_cast<int>(raw_syscall(SYS_getpid));
  // It dies with a keeper that is killed before it can open the gate.
  check(args, SpawnError::Step::kParentDeathSignal, raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
  if (raw_syscall(SYS_getppid) != args.parent_pid) leave(127);
  if (!args.shares_table) raw_syscall(SYS_close, args.gate_peer);  // else the end of the keeper would not show
  KeeperReport report = {};
  report.kind = KeeperReport::Kind::kFailed;
  report.part = KeeperPart::kUnknown;
  report.value = ECANCELED;
  const long size = raw_syscall(SYS_recvfrom, args.gate, as_argument(&report), sizeof report);
  if (size < 0) fail(args, SpawnError::Step::kContain, size, static_cast<int>(KeeperPart::kReceive));
  if (report.kind == KeeperReport::Kind::kReady) return;
  fail(args, SpawnError::Step::kContain, -report.value, static_cast<int>(report.part));
}

void enter_group(const ExecChildArgs& args) {
  if (args.new_session) {
    check(args, SpawnError::Step::kSetSession, raw_syscall(SYS_setsid));  // leads its group too
  } else if (args.new_group) {
    check(args, SpawnError::Step::kSetGroup, raw_syscall(SYS_setpgid, 0, 0));
  }
}

// Gives the child a descriptor table of its own before it touches any descriptor: in the shared table a close would
// drop the parent's POSIX record locks (fcntl_locking(2)), and a dup would show in the parent. True if that has also
// closed every unused descriptor.
bool unshare_table(const ExecChildArgs& args) {
  if (!args.shares_table) return false;
  // The new table has what is below the first number.
  const long first = args.inherit_descriptors ? kLastDescriptor : args.first_unused;
  if (raw_syscall(SYS_close_range, first, ~0U, kCloseRangeUnshare) == 0) return true;
  check(args, SpawnError::Step::kUnshareFiles,
        raw_syscall(SYS_unshare, CLONE_FILES));  // the parent then launches with a copy
  return false;
}

bool is_target(const ExecChildArgs& args, int fd) {
  for (std::size_t i = 0; i < args.action_count; ++i) {
    if (args.actions[i].target == fd) return true;
  }
  return false;
}

bool is_needed(const ExecChildArgs& args, int fd) {
  if (fd == args.exec_pipe) return true;
  for (std::size_t i = 0; i < args.action_count; ++i) {
    const DescriptorAction& action = args.actions[i];
    if (action.target == fd || action.source == fd || action.staged == fd) return true;
  }
  return false;
}

// Makes room in a full table: closes a descriptor that no action needs, and returns its number; -1 when all are needed.
int free_number(const ExecChildArgs& args) {
  if (args.inherit_descriptors) return -1;
  const int last = args.first_unused + static_cast<int>(args.action_count);  // a number above may hold a staged copy
  for (int fd = 3; fd <= last; ++fd) {
    if (!is_needed(args, fd) && raw_syscall(SYS_close, fd) == 0) return fd;
  }
  return -1;
}

// Copies the source to a number that is no target. A copy that lands on a target stays there until the target is
// filled.
int stage(const ExecChildArgs& args, const DescriptorAction& action) {
  for (int base = 3;;) {
    const long result = raw_syscall(SYS_fcntl, action.source, F_DUPFD_CLOEXEC, base);
    if (result == -EMFILE && (base = free_number(args)) >= 0) continue;
    const int fd = static_cast<int>(check(args, SpawnError::Step::kSetDescriptor, result, action.target));
    if (!is_target(args, fd)) return fd;
    base = fd + 1;
  }
}

// Moves each source that is also a target out of the way, before an action overwrites it.
void stage_sources(const ExecChildArgs& args) {
  for (std::size_t i = 0; i < args.action_count; ++i) {
    DescriptorAction& action = args.actions[i];
    if (action.kind != DescriptorAction::Kind::kCopy) continue;
    action.staged = action.source;
    if (action.source == action.target || !is_target(args, action.source)) continue;
    action.staged = stage(args, action);
  }
}

void copy_to_target(const ExecChildArgs& args, const DescriptorAction& action) {
  const long result = action.staged == action.target
                          ? raw_syscall(SYS_fcntl, action.target, F_SETFD, 0)  // no close-on-exec
                          : raw_syscall(SYS_dup3, action.staged, action.target, 0);
  check(args, SpawnError::Step::kSetDescriptor, result, action.target);
}

// In a full table closes the target first, for its number; only then, since the path may lead to it (/dev/stdout).
void open_at_target(const ExecChildArgs& args, const DescriptorAction& action) {
  const auto open = [&action] {
    return raw_syscall(SYS_openat, AT_FDCWD, as_argument(action.path), action.flags, 0666);
  };
  const bool is_file = action.kind == DescriptorAction::Kind::kOpen;
  const SpawnError::Step step = is_file ? SpawnError::Step::kOpenFile : SpawnError::Step::kSetDescriptor;
  args.failure->step = step;  // for who gives up on an open that takes for ever
  args.failure->subject = action.target;
  long result = open();
  if (result == -EMFILE && raw_syscall(SYS_close, action.target) == 0) result = open();
  args.failure->step = SpawnError::Step::kLaunch;
  args.failure->subject = -1;
  const int fd = static_cast<int>(check(args, step, result, action.target));
  if (fd == action.target) return;
  check(args, SpawnError::Step::kSetDescriptor, raw_syscall(SYS_dup3, fd, action.target, 0), action.target);
  raw_syscall(SYS_close, fd);
}

// Copies come before opens: an open takes the lowest free number, which may be the target of a copy, but by then no
// longer its source. Duplicates of other targets come last.
void set_descriptors(const ExecChildArgs& args) {
  stage_sources(args);
  for (std::size_t i = 0; i < args.action_count; ++i) {
    if (args.actions[i].kind == DescriptorAction::Kind::kCopy) copy_to_target(args, args.actions[i]);
  }
  for (std::size_t i = 0; i < args.action_count; ++i) {
    const DescriptorAction::Kind kind = args.actions[i].kind;
    const bool opens = kind == DescriptorAction::Kind::kOpen || kind == DescriptorAction::Kind::kReopen;
    if (opens) open_at_target(args, args.actions[i]);
  }
  for (std::size_t i = 0; i < args.action_count; ++i) {
    const DescriptorAction& action = args.actions[i];
    if (action.kind != DescriptorAction::Kind::kDuplicate) continue;
    check(args, SpawnError::Step::kSetDescriptor, raw_syscall(SYS_dup3, action.source, action.target, 0),
          action.target);
  }
}

// Closes every descriptor that is no target, but for the exec pipe; unless the child inherits all.
void close_the_rest(const ExecChildArgs& args, bool unused_are_closed) {
  if (args.inherit_descriptors) return;
  int first = 0;  // closes everything between two targets
  for (std::size_t i = 0; i < args.action_count; ++i) {
    if (first < args.actions[i].target) close_descriptors(first, args.actions[i].target - 1);
    first = args.actions[i].target + 1;
  }
  // The copies that were staged since are close-on-exec.
  if (first >= args.first_unused && unused_are_closed) return;
  if (args.exec_pipe >= 0) {
    if (first < args.exec_pipe) close_descriptors(first, args.exec_pipe - 1);
    first = args.exec_pipe + 1;
  }
  close_descriptors(first, kLastDescriptor);
}

void set_resources(const ExecChildArgs& args) {
  for (std::size_t i = 0; i < args.limit_count; ++i) {
    check(args, SpawnError::Step::kSetLimit,
          raw_syscall(SYS_prlimit64, 0, args.limits[i].resource, as_argument(&args.limits[i].value), 0),
          static_cast<int>(i));
  }
  if (args.set_nice) check(args, SpawnError::Step::kSetNice, raw_syscall(SYS_setpriority, PRIO_PROCESS, 0, args.nice));
  if (args.affinity == nullptr) return;
  check(args, SpawnError::Step::kSetAffinity,
        raw_syscall(SYS_sched_setaffinity, 0, static_cast<long>(args.affinity_size), as_argument(args.affinity)));
}

// Sets the groups first: setting the user id gives up the privilege that they need.
void set_credentials(const ExecChildArgs& args) {
  if (args.set_groups) {
    check(args, SpawnError::Step::kSetGroups,
          raw_syscall(SYS_setgroups, static_cast<long>(args.group_count), as_argument(args.groups)));
  }
  if (args.set_gid) check(args, SpawnError::Step::kSetGid, raw_syscall(SYS_setresgid, args.gid, args.gid, args.gid));
  if (args.set_uid) check(args, SpawnError::Step::kSetUid, raw_syscall(SYS_setresuid, args.uid, args.uid, args.uid));
}

// Leaves if the parent died before the signal was armed. getppid(2) gives 0 for a parent in another pid namespace.
void arm_parent_death_signal(const ExecChildArgs& args) {
  if (!args.die_with_parent) return;
  check(args, SpawnError::Step::kParentDeathSignal, raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
  const long parent = raw_syscall(SYS_getppid);
  if (parent != args.parent_pid && parent != 0) leave(127);
}

// The kernel's own layout of struct sigaction (its libc counterpart differs).
struct KernelSigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  std::uint64_t mask;
};

// Sets the default dispositions before it sets the mask: a handler would run in the parent's memory.
void reset_signals(const ExecChildArgs& args) {
  KernelSigaction current = {};
  const KernelSigaction by_default = {};
  for (int signal = 1; signal <= 64; ++signal) {
    if (raw_syscall(SYS_rt_sigaction, signal, 0, as_argument(&current), sizeof current.mask) != 0) continue;
    if (current.handler == SIG_DFL || (current.handler == SIG_IGN && args.keep_ignored_signals)) continue;
    raw_syscall(SYS_rt_sigaction, signal, as_argument(&by_default), 0, sizeof by_default.mask);
  }
  set_signal_mask(args.signal_mask);
}

// All signals are blocked here, so that SIGTTOU does not stop a child that takes the terminal from the background.
void take_foreground(ExecChildArgs& args) {
  if (!args.foreground) return;
  args.foreground_before = get_foreground();
  check(args, SpawnError::Step::kSetForeground, set_foreground(static_cast<int>(raw_syscall(SYS_getpid))));
}

// Returns a negative errno: only where it fails.
long execute_one(const ExecChildArgs& args, const char* program) {
  const long result = raw_syscall(SYS_execve, as_argument(program), as_argument(args.argv), as_argument(args.envp));
  if (result != -ENOEXEC || args.shell_argv == nullptr) return result;
  args.shell_argv[1] = program;
  return raw_syscall(SYS_execve, as_argument(args.shell_argv[0]), as_argument(args.shell_argv), as_argument(args.envp));
}

bool is_empty(const char* file) {
  struct stat info;  // as the kernel has it, on 64-bit machines
  return raw_syscall(SYS_newfstatat, AT_FDCWD, as_argument(file), as_argument(&info), 0) == 0 && info.st_size == 0;
}

// Whether the search goes on: the errors of the C library's execvp, those for which the parent's look-up goes on
// (environment.cc), and an empty file.
bool is_passed(const char* program, long result) {
  switch (-result) {
    case EACCES:
    case ENOENT:
    case ENOTDIR:
    case ESTALE:
    case ENODEV:
    case ETIMEDOUT:
    case ELOOP:
    case ENAMETOOLONG:
      return true;
    case ENOEXEC:
      return is_empty(program);
    default:
      return false;
  }
}

// Where all are passed, fails with the first EACCES (execvp(3)), or else with the error of the first, which is there.
[[noreturn]] void execute(const ExecChildArgs& args) {
  long error = 0;
  int subject = 0;
  for (int i = 0; args.programs[i] != nullptr; ++i) {
    const long result = execute_one(args, args.programs[i]);
    const bool ends = !is_passed(args.programs[i], result);
    if (i == 0 || ends || (result == -EACCES && error != -EACCES)) {
      error = result;
      subject = i;
    }
    if (ends) break;
  }
  fail(args, SpawnError::Step::kExec, error, subject);
}

}  // namespace

int exec_child(void* argument) {
  ExecChildArgs& args = *static_cast<ExecChildArgs*>(argument);
  pass_gate(args);
  enter_group(args);
  const bool unused_are_closed = unshare_table(args);
  set_descriptors(args);
  close_the_rest(args, unused_are_closed);
  take_foreground(args);
  if (args.umask >= 0) raw_syscall(SYS_umask, args.umask);
  set_resources(args);
  set_credentials(args);
  if (args.cwd != nullptr) {
    check(args, SpawnError::Step::kChangeDirectory, raw_syscall(SYS_chdir, as_argument(args.cwd)));
  }
  if (args.no_new_privileges) {
    check(args, SpawnError::Step::kNoNewPrivileges, raw_syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
  }
  arm_parent_death_signal(args);
  reset_signals(args);
  args.failure->is_at_exec = true;
  execute(args);
}

}  // namespace warden::internal

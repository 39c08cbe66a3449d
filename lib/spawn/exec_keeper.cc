#include "lib/spawn/exec_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/keeper/protocol.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/raw_syscall.h"
#include "lib/spawn/close_descriptors.h"

// See launcher.cc.
extern "C" int __clone(int (*body)(void*), void* stack, int flags, void* argument, ...) noexcept;

// Compiled as exec_child.cc.
namespace warden::internal {
namespace {

// From this number on, a copy of the host's table costs more than the calls that do without.
constexpr int kManyDescriptors = 256;

[[noreturn]] void fail(ExecKeeperArgs& args, KeeperPart part, long result) {
  volatile ExecFailure& failure = *args.child->failure;
  if (args.child_pid > 0) {
    const bool is_killed = raw_syscall(SYS_kill, args.child_pid, SIGKILL) == 0;  // else it dies with this process
    if (is_killed) raw_syscall(SYS_wait4, args.child_pid, 0, __WALL, 0);
  }
  if (failure.error == 0) {  // the child has said nothing before
    failure.step = SpawnError::Step::kContain;
    failure.subject = static_cast<int>(part);
    failure.error = static_cast<int>(-result);
  }
  args.is_on_the_way = 0;
  raw_syscall(SYS_futex, as_argument(&args.is_on_the_way), FUTEX_WAKE, 1);
  for (;;) raw_syscall(SYS_exit_group, 127);
}

void check(ExecKeeperArgs& args, KeeperPart part, long result) {
  if (result < 0) fail(args, part, result);
}

void make_child(ExecKeeperArgs& args) {
  args.child->parent_pid = static_cast<int>(raw_syscall(SYS_getpid));
  const unsigned memory = args.own_memory ? 0u : unsigned{CLONE_VM} | unsigned{CLONE_CHILD_CLEARTID};
  const unsigned flags = memory | unsigned{CLONE_PIDFD} | (args.child->shares_table ? unsigned{CLONE_FILES} : 0u);
  const int pid = __clone(exec_child, args.stack, static_cast<int>(flags), args.child, &args.child_pidfd, nullptr,
                          &args.is_on_the_way);
  if (pid > 0) {
    args.child_pid = pid;
    return;
  }
  fail(args, KeeperPart::kClone, -errno);
}

// Leaves the host's table with what is below the highest of the keeper's three. It must not go on in the host's table.
void copy_table(ExecKeeperArgs& args) {
  int last = args.socket;
  if (args.host > last) last = args.host;
  if (args.image > last) last = args.image;
  if (raw_syscall(SYS_close_range, last + 1, ~0U, kCloseRangeUnshare) != 0) {
    check(args, KeeperPart::kTable, raw_syscall(SYS_unshare, CLONE_FILES));
  }
}

// Whether the keeper may take descriptors of the child (ptrace(2), PTRACE_MODE_ATTACH_REALCREDS). There is none with
// this number.
bool may_take_from_child(const ExecKeeperArgs& args) {
  return args.child->shares_table && raw_syscall(SYS_pidfd_getfd, args.child_pidfd, -1, 0) == -EBADF;
}

// Leaves the host's table with nothing, and takes the three out of the child's, which is the host's until it has passed
// its gate: a copy of thousands of files costs more than all else (pidfd_getfd(2), Linux 5.6). False where it has not
// left.
bool take_from_child(ExecKeeperArgs& args) {
  if (!may_take_from_child(args)) return false;
  if (raw_syscall(SYS_close_range, kKeeperImage + 1, ~0U, kCloseRangeUnshare) != 0) return false;
  const long child = raw_syscall(SYS_pidfd_open, args.child_pid, 0);
  check(args, KeeperPart::kTable, child);
  int* const needed[] = {&args.socket, &args.host, &args.image};
  for (int* const fd : needed) {  // each number is above the last
    const long taken = raw_syscall(SYS_pidfd_getfd, child, *fd, 0);
    check(args, KeeperPart::kTable, taken);
    *fd = static_cast<int>(taken);
  }
  return true;
}

// A table of its own, with the three alone.
void take_own_table(ExecKeeperArgs& args) {
  if (args.socket < kManyDescriptors || !take_from_child(args)) copy_table(args);
  check(args, KeeperPart::kDescriptors, raw_syscall(SYS_dup3, args.socket, kKeeperSocket, 0));
  check(args, KeeperPart::kDescriptors, raw_syscall(SYS_dup3, args.host, kKeeperHost, 0));
  check(args, KeeperPart::kDescriptors, raw_syscall(SYS_dup3, args.image, kKeeperImage, O_CLOEXEC));
  close_descriptors(kKeeperImage + 1, kLastDescriptor);
}

void write_number(int number, char* text) {
  char digits[12];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *text++ = digits[--count];
  *text = '\0';
}

}  // namespace

int exec_keeper(void* argument) {
  auto& args = *static_cast<ExecKeeperArgs*>(argument);
  if (raw_syscall(SYS_getppid) == 0) fail(args, KeeperPart::kNamespace, -EXDEV);
  check(args, KeeperPart::kSubreaper, raw_syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1));
  make_child(args);
  check(args, KeeperPart::kGroup, raw_syscall(SYS_setpgid, 0, 0));  // the child may stay in the host's
  take_own_table(args);
  raw_syscall(SYS_chdir, as_argument("/"));  // so that it holds no directory of the host's
  char program[12];
  write_number(args.child_pid, program);
  const char* const argv[] = {"warden_keeper", program, args.leads_group ? "group" : nullptr, nullptr};
  const char* const envp[] = {nullptr};
  fail(args, KeeperPart::kExec,
       raw_syscall(SYS_execveat, kKeeperImage, as_argument(""), as_argument(argv), as_argument(envp), AT_EMPTY_PATH));
}

}  // namespace warden::internal

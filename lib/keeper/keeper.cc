// The keeper of one tree: a program of its own, between the host and the program that the host has started.
//
// It is the subreaper of all that the program starts: whoever loses its parent becomes its child. So wait4(2) tells it
// exactly when nobody is left (ECHILD), without /proc. It ends the tree when the host says so, and when the host is
// gone. It has no C library, no memory but its stack, and its signals are blocked.
//
// It signals by number only its own children that it has not collected, whose numbers are nobody else's.
#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/keeper/calls.h"
#include "lib/keeper/children.h"
#include "lib/keeper/protocol.h"
#include "lib/keeper/tree_signal.h"

namespace warden::internal {
namespace {

// How many it collects before it looks for orders and, while it kills, for new ones, which fork as fast as it collects.
constexpr int kMostCollected = 100;

// While it kills: the pause between two looks, in milliseconds. Nothing tells when a process that was born meanwhile
// becomes its child.
constexpr int kFirstPause = 1;
constexpr int kLongestPause = 1024;

// When it looks below its children, too: after a pause as long as this, and now and then while some end all the time.
constexpr int kPatience = 4;
constexpr int kQuickRounds = 16;

constexpr std::size_t kMostRefused = 16;

constexpr std::size_t kShortReport = offsetof(KeeperReport, usage);

class Keeper {
 public:
  Keeper(int program, bool leads_group) : program_(program), leads_group_(leads_group) {}

  // Tells the program, which waits for it, that the keeper is complete; or that it cannot be, and ends.
  void set_up() {
    // A member of the tree that is the same user could take the socket otherwise, or make the keeper say what is not so
    // (ptrace(2), pidfd_getfd(2)).
    raw_syscall(SYS_prctl, PR_SET_DUMPABLE, 0);
    // A keeper that a member has stopped goes on when the host ends, and ends the tree.
    raw_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGCONT);
    KernelSigaction by_default = {};
    check(KeeperPart::kDisposition,
          raw_syscall(SYS_rt_sigaction, SIGCHLD, as_argument(&by_default), 0, sizeof by_default.mask));
    raw_syscall(SYS_prctl, PR_SET_NAME, as_argument("warden_keeper"));
    const std::uint64_t heard = bit_of(SIGCHLD) | bit_of(kKillSignal) | bit_of(kLetGoSignal);
    signals_ = static_cast<int>(check(KeeperPart::kSignals, raw_syscall(SYS_signalfd4, -1, as_argument(&heard),
                                                                        sizeof heard, O_CLOEXEC | O_NONBLOCK)));
    open_proc();
    try_calls();
    KeeperReport ready = {};
    ready.kind = KeeperReport::Kind::kReady;
    if (send_now(ready, kShortReport) < 0) leave(1);
  }

  [[noreturn]] void run() {
    // A program that was killed before the exec of this one has sent no signal: so the first round waits for nothing.
    for (;;) {
      receive_orders();
      collect();
      tell_end();
      if (is_killing_) kill_all();
      wait();
    }
  }

 private:
  // The kernel's own layout of struct sigaction.
  struct KernelSigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    std::uint64_t mask;
  };

  static std::uint64_t bit_of(int signal) { return std::uint64_t{1} << (signal - 1); }

  long check(KeeperPart part, long result) {
    if (result >= 0) return result;
    KeeperReport failed = {};
    failed.kind = KeeperReport::Kind::kFailed;
    failed.part = part;
    failed.value = static_cast<int>(-result);
    if (send_now(failed, kShortReport) >= 0) wait_for_program();
    leave(1);
  }

  // Where /proc is another pid namespace's, its numbers are others than ours.
  void open_proc() {
    proc_ = check(KeeperPart::kChildren, open_file(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY));
    char name[12] = {};
    check(KeeperPart::kChildren,
          raw_syscall(SYS_readlinkat, proc_, as_argument("self"), as_argument(name), sizeof name - 1));
    int self = 0;
    read_number(name, &self);
    if (self != raw_syscall(SYS_getpid)) check(KeeperPart::kChildren, -EXDEV);
    children_ = check(KeeperPart::kChildren, open_file(proc_, ProcPath(self, self, "children").get(), 0));
  }

  // It dies with the keeper, and has to tell first. The filter may refuse any of these.
  void wait_for_program() {
    if (raw_syscall(SYS_waitid, P_PID, program_, 0, WEXITED | __WALL, 0) == 0) return;
    if (raw_syscall(SYS_wait4, program_, 0, __WALL, 0) > 0) return;
    FdSet none;
    select_for(&none, &none, 100);
  }

  // What a filter may refuse, before the program runs: the keeper could not do without it later.
  void try_calls() {
    int ended = 0;
    check(KeeperPart::kLook, look_for(WEXITED, &ended));
    const long collected = raw_syscall(SYS_wait4, raw_syscall(SYS_getpid), 0, WNOHANG, 0);  // no child of its own
    if (collected != -ECHILD) check(KeeperPart::kWait, collected < 0 ? collected : -EINVAL);
    check(KeeperPart::kKill, signal_process(program_, 0));
    const long pidfd = check(KeeperPart::kPidfd, raw_syscall(SYS_pidfd_open, program_, 0));
    check(KeeperPart::kSendSignal, signal_by_pidfd(pidfd, 0));
    close_fd(pidfd);
    KeeperOrder none;
    const long received = raw_syscall(SYS_recvfrom, kKeeperSocket, as_argument(&none), sizeof none, MSG_DONTWAIT);
    if (received != -EAGAIN) check(KeeperPart::kReceive, received == 0 ? -EPIPE : received);
    FdSet nothing;
    check(KeeperPart::kSelect, select_for(&nothing, &nothing, 0));
  }

  static long send_now(const KeeperReport& told, std::size_t size) {
    return raw_syscall(SYS_sendto, kKeeperSocket, as_argument(&told), static_cast<long>(size),
                       MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  // False where there is no room.
  bool send(const KeeperReport& told, std::size_t size) { return send_now(told, size) != -EAGAIN; }

  void report(KeeperReport::Kind kind, int value = 0, int pid = 0) {
    KeeperReport told = {};
    told.kind = kind;
    told.value = value;
    told.pid = pid;
    send(told, kShortReport);
  }

  // All that are there: an order to let go comes before the end of the host that has sent it. ECONNRESET says that the
  // host has left a report unread, once, and before what it has sent. The end of the conversation is no end of the
  // host, which may have executed another program, or have closed all of its descriptors.
  void receive_orders() {
    while (socket_ >= 0) {
      KeeperOrder order;
      const long size = raw_syscall(SYS_recvfrom, socket_, as_argument(&order), sizeof order, MSG_DONTWAIT);
      if (size == sizeof order) {
        obey(order);
      } else if (size == -EAGAIN) {
        break;
      } else if (size != -ECONNRESET && size != -EINTR) {
        socket_ = -1;
      }
    }
    if (host_has_ended_ && !is_let_go_) is_killing_ = true;
  }

  void obey(const KeeperOrder& order) {
    if (order.kind == KeeperOrder::Kind::kLetGo) is_let_go_ = true;
    if (order.kind == KeeperOrder::Kind::kKill) is_killing_ = true;
    if (order.kind != KeeperOrder::Kind::kSignal) return;
    TreeSignal sent = {proc_, order.signal, is_collected_ ? 0 : program_, leads_group_};
    signal_tree(sent);
    KeeperReport answer = {};
    answer.kind = KeeperReport::Kind::kAnswer;
    answer.number = order.number;
    answer.value = sent.error;
    answer.pid = sent.refused_pid;
    answer.count = static_cast<std::uint32_t>(sent.signalled);
    send(answer, kShortReport);
  }

  // Everybody who is its child just now. The program first and alone: as a rule nobody is left after it.
  void kill_all() {
    if (!is_collected_ && !has_killed_program_) {
      has_killed_program_ = true;
      if (signal_process(program_, SIGKILL) >= 0) return;
    }
    kill_children();
  }

  void kill_children() {
    bool is_refused = false;
    const int spared = group_of_host();
    raw_syscall(SYS_lseek, children_, 0, SEEK_SET);
    read_children(children_, [&](int child) {
      if (!is_own_child(child)) return;
      // A group has the number of the child that made it; the host may have joined it.
      if (child != spared) signal_process(-child, SIGKILL);
      const long error = signal_process(child, SIGKILL);
      if (error >= 0) return;
      is_refused = true;
      tell_refused(child, static_cast<int>(-error));
    });
    // Whoever does not die keeps those below it from becoming the keeper's children: one of another user, or one that a
    // process below it traces (PTRACE_O_TRACEEXIT), and that waits for this in its exit.
    if (!is_refused && pause_ <= kPatience && ++quick_rounds_ % kQuickRounds != 0) return;
    TreeSignal below = {proc_, SIGKILL, 0, false};
    signal_tree(below);
  }

  // Whether it is one that has not been collected, whose number is nobody else's.
  static bool is_own_child(int pid) {
    return raw_syscall(SYS_waitid, P_PID, pid, 0, WEXITED | WNOHANG | WNOWAIT | __WALL, 0) == 0;
  }

  // Each process once.
  void tell_refused(int pid, int error) {
    for (std::size_t i = 0; i < refused_count_; ++i) {
      if (refused_[i] == pid) return;
    }
    if (refused_count_ == kMostRefused) return;
    refused_[refused_count_++] = pid;
    report(KeeperReport::Kind::kRefused, error, pid);
  }

  // Whoever has ended, and what has become of the program.
  void collect() {
    is_empty_ = has_collected_all_ = false;
    for (int count = 0; count < kMostCollected; ++count) {
      int changed = 0;
      is_empty_ = look_for(WEXITED | WSTOPPED | WCONTINUED, &changed) == -ECHILD;
      has_collected_all_ = changed == 0;
      if (has_collected_all_) return;
      // A program that has not been executed has no exit signal, so that only a wait for clones finds it (waitpid(2),
      // __WCLONE).
      if (!collect_one(changed, 0, true)) collect_one(changed, __WCLONE, false);
    }
  }

  // A child of either kind that has changed so, and stays to be collected; 0 for none. -ECHILD: there is no child.
  static long look_for(int changes, int* pid) {
    siginfo_t info = {};
    const long error = raw_syscall(SYS_waitid, P_ALL, 0, as_argument(&info), changes | WNOHANG | WNOWAIT | __WALL, 0);
    *pid = error == 0 ? info.si_pid : 0;
    return error;
  }

  bool collect_one(int changed, int which, bool was_executed) {
    int status = 0;
    KernelUsage usage;
    const long pid = raw_syscall(SYS_wait4, changed, as_argument(&status), WNOHANG | WUNTRACED | WCONTINUED | which,
                                 as_argument(&usage));
    if (pid <= 0) return false;
    if (pid != program_ || is_collected_) return true;
    if (WIFSTOPPED(status)) {
      report(KeeperReport::Kind::kStopped, WSTOPSIG(status));
    } else if (WIFCONTINUED(status)) {
      report(KeeperReport::Kind::kContinued);
    } else {
      is_collected_ = true;
      has_end_to_tell_ = true;
      ended_.kind = KeeperReport::Kind::kEnded;
      ended_.value = status;
      ended_.was_executed = was_executed;
      ended_.usage = usage;
    }
    return true;
  }

  // Tells the program's end, and ends where nobody is left.
  void tell_end() {
    if (has_end_to_tell_) {
      ended_.is_empty = is_empty_;
      if (send(ended_, sizeof ended_)) has_end_to_tell_ = false;
    } else if (is_empty_) {
      report(KeeperReport::Kind::kEmpty);  // where there is no room, the exit code says it
    }
    if (is_empty_ && !has_end_to_tell_) leave(kTreeIsEmpty);
    if (is_empty_ && (socket_ < 0 || host_has_ended_)) leave(kTreeIsEmpty);
  }

  void read_signals() {
    struct Info {
      std::uint32_t signal;
      char rest[124];
    } infos[4];  // struct signalfd_siginfo; at most three are there
    const long size = raw_syscall(SYS_read, signals_, as_argument(infos), sizeof infos);
    for (long i = 0; i < size / static_cast<long>(sizeof(Info)); ++i) {
      if (infos[i].signal == kKillSignal) is_killing_ = true;
      if (infos[i].signal == kLetGoSignal) is_let_go_ = true;
    }
    pause_ = kFirstPause;
  }

  void wait() {
    FdSet readable, writable;
    readable.add(signals_);
    readable.add(socket_);
    if (!host_has_ended_) readable.add(kKeeperHost);
    if (has_end_to_tell_) writable.add(socket_);
    int pause = has_collected_all_ ? -1 : 0;
    if (is_killing_ && has_collected_all_) {
      pause = pause_;
      pause_ = pause_ < kLongestPause ? 2 * pause_ : kLongestPause;
    }
    if (select_for(&readable, &writable, pause) < 0) readable.bits = 0;
    const bool host_ends = readable.has(kKeeperHost);
    // A host that has let the tree go by a signal, and has ended, did both in this order; the look may have not.
    if (readable.has(signals_) || host_ends) read_signals();
    if (host_ends) host_has_ended_ = true;
  }

  const int program_;
  const bool leads_group_;
  int signals_ = -1;
  long proc_ = -1;
  long children_ = -1;  // the list
  int socket_ = kKeeperSocket;
  bool host_has_ended_ = false;
  bool is_let_go_ = false;
  bool is_killing_ = false;
  bool has_killed_program_ = false;
  int pause_ = kFirstPause;
  int quick_rounds_ = 0;
  bool is_collected_ = false;  // the program
  bool has_collected_all_ = true;
  bool is_empty_ = false;
  bool has_end_to_tell_ = false;
  KeeperReport ended_ = {};
  int refused_[kMostRefused] = {};
  std::size_t refused_count_ = 0;
};

}  // namespace
}  // namespace warden::internal

// `stack`: as execve(2) leaves it: the number of arguments, then the arguments. The first is the program's number, the
// second is there if it leads a group.
extern "C" [[noreturn]] __attribute__((used)) void warden_keeper_main(const long* stack) {
  const auto* const arguments = reinterpret_cast<const char* const*>(stack + 1);
  if (stack[0] < 2) warden::internal::leave(1);
  int program = 0;
  warden::internal::read_number(arguments[1], &program);
  if (program < 2) warden::internal::leave(1);
  warden::internal::Keeper keeper(program, stack[0] > 2);
  keeper.set_up();
  keeper.run();
}

#if defined(__x86_64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call warden_keeper_main\n");
#elif defined(__aarch64__)
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x0, sp\n"
    "  bl warden_keeper_main\n");
#endif

// The compiler may call these two.
extern "C" __attribute__((used)) void* memset(void* to, int value, std::size_t size) {
  auto* const bytes = static_cast<volatile char*>(to);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(value);
  return to;
}

extern "C" __attribute__((used)) void* memcpy(void* to, const void* from, std::size_t size) {
  auto* const bytes = static_cast<volatile char*>(to);
  const auto* const source = static_cast<const char*>(from);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = source[i];
  return to;
}

#include "lib/testing/guard_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <cstdint>

#include "lib/os/kernel_abi.h"
#include "lib/os/raw_syscall.h"
#include "lib/spawn/close_descriptors.h"
#include "lib/testing/guard_message.h"

// Compiled without sanitizers and stack protector (BUILD.bazel): the copy of a process that had threads may not touch a
// lock or the heap, since the threads that may hold them are not in the copy. The guard uses only raw system calls and
// its own memory.
namespace warden::testing::internal {
namespace {

using warden::internal::as_argument;
using warden::internal::close_descriptors;
using warden::internal::kLastDescriptor;
using warden::internal::raw_syscall;

// How long the guard tries to end the children that are left: the library's own bound for SIGKILL.
constexpr long kPatienceMs = 3000;
constexpr long kLongestPauseMs = 64;

struct Guarded {
  int pidfd;
  bool has_group;  // the kernel can signal its group through the pidfd
  int owned;       // the read end of a pipe that the group owns, or -1
  int trigger;     // the write end of that pipe, or -1
};

// Used only in the guard's copy of the memory.
Guarded guarded[kMostGuarded];
int guarded_count = 0;

[[noreturn]] void leave(int code) {
  for (;;) raw_syscall(SYS_exit_group, code);
}

void close_fd(int fd) {
  if (fd >= 0) raw_syscall(SYS_close, fd);
}

// Whether the group that owns the descriptor still has a member, alive or a zombie. Always true before Linux 5.12.
bool owner_exists(int fd) {
  struct f_owner_ex owner;
  owner.pid = 0;
  return raw_syscall(SYS_fcntl, fd, F_GETOWN_EX, as_argument(&owner)) != 0 || owner.pid != 0;
}

// The kernel keeps the owner of a descriptor (fcntl(2), F_SETOWN) as the group itself and not as its number, and sends
// it the signal of F_SETSIG when an O_ASYNC descriptor becomes readable. The guard sets O_ASYNC only now: no member
// gets a signal because the guard was killed and its descriptors were closed.
void signal_owner(const Guarded& child) {
  char byte = 0;
  raw_syscall(SYS_fcntl, child.owned, F_SETFL, O_ASYNC | O_NONBLOCK);
  raw_syscall(SYS_write, child.trigger, as_argument(&byte), 1);
  raw_syscall(SYS_read, child.owned, as_argument(&byte), 1);
}

long send_signal(const Guarded& child, int signal, unsigned flags) {
  return raw_syscall(SYS_pidfd_send_signal, child.pidfd, signal, 0, flags);
}

// Whether the child or a member of its group is left, if only as a zombie that is not reaped yet.
bool is_left(const Guarded& child) {
  if (send_signal(child, 0, 0) != -ESRCH) return true;
  if (child.has_group) return send_signal(child, 0, warden::internal::kPidfdSignalProcessGroup) != -ESRCH;
  return child.owned >= 0 && owner_exists(child.owned);
}

// Kills the leader by its own pidfd, too: it may have moved to another group.
void kill_child(const Guarded& child) {
  if (child.has_group) send_signal(child, SIGKILL, warden::internal::kPidfdSignalProcessGroup);
  if (child.owned >= 0) signal_owner(child);
  send_signal(child, SIGKILL, 0);
}

// Forgets each child that is gone with its group; no process can join an empty group.
void forget_gone() {
  int kept = 0;
  for (int i = 0; i < guarded_count; ++i) {
    if (is_left(guarded[i])) {
      guarded[kept++] = guarded[i];
      continue;
    }
    close_fd(guarded[i].pidfd);
    close_fd(guarded[i].owned);
    close_fd(guarded[i].trigger);
  }
  guarded_count = kept;
}

void pause_for(long milliseconds) {
  const timespec pause = {0, milliseconds * 1'000'000};
  raw_syscall(SYS_ppoll, 0, 0, as_argument(&pause), 0, 0);
}

// Kills again and again: a member may have been about to change its user, and a process may have joined the group.
void end_all() {
  long pause = 1;
  for (long waited = 0;; waited += pause) {
    for (int i = 0; i < guarded_count; ++i) kill_child(guarded[i]);
    forget_gone();
    if (guarded_count == 0 || waited >= kPatienceMs) return;
    pause_for(pause);
    if (pause < kLongestPauseMs) pause *= 2;
  }
}

// One request, with the descriptors that came with it.
struct Received {
  long size;  // 0 when no more requests can come; or a negative errno
  GuardRequest request;
  int fds[kMostGuardDescriptors];
  int fd_count;
};

void receive(int socket, Received* received) {
  iovec data;
  data.iov_base = &received->request;
  data.iov_len = sizeof received->request;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostGuardDescriptors)];
  msghdr message;
  message.msg_name = nullptr;
  message.msg_namelen = 0;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  message.msg_flags = 0;
  received->fd_count = 0;
  received->size = raw_syscall(SYS_recvmsg, socket, as_argument(&message), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (received->size <= 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) return;
  received->fd_count = static_cast<int>((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  const int* fds = reinterpret_cast<const int*>(CMSG_DATA(header));
  for (int i = 0; i < received->fd_count; ++i) received->fds[i] = fds[i];
}

// Returns 0, or an errno after it has closed the descriptors received.
int add(const Received& received) {
  const bool by_owner = received.request.kind == GuardRequest::Kind::kWatchByOwner;
  const int expected = by_owner ? kMostGuardDescriptors : 1;
  const bool has_room = guarded_count < kMostGuarded;
  if (has_room && received.fd_count == expected) {
    const bool has_group = received.request.kind == GuardRequest::Kind::kWatchGroup;
    guarded[guarded_count++] = {received.fds[0], has_group, by_owner ? received.fds[1] : -1,
                                by_owner ? received.fds[2] : -1};
    return 0;
  }
  for (int i = 0; i < received.fd_count; ++i) close_fd(received.fds[i]);
  return has_room ? EMFILE : ENOSPC;  // the kernel drops a descriptor that does not fit into the guard's table
}

// Answers every request that has come. False when no more can come.
bool answer_requests(int socket) {
  for (;;) {
    Received received;
    receive(socket, &received);
    if (received.size == -EAGAIN) return true;
    if (received.size == -EINTR) continue;
    if (received.size != static_cast<long>(sizeof(GuardRequest))) return false;
    if (received.request.kind == GuardRequest::Kind::kStop) leave(0);
    forget_gone();
    const GuardAnswer answer = {received.request.number, add(received)};
    raw_syscall(SYS_sendto, socket, as_argument(&answer), sizeof answer, MSG_DONTWAIT | MSG_NOSIGNAL, 0);
  }
}

// Only the pidfd tells that the test process has ended. The socket does not: an exec closes the other end, and a forked
// copy may hold it.
void wait_for_end(int test_process, int socket) {
  pollfd polled[] = {{test_process, POLLIN, 0}, {socket, POLLIN, 0}};
  for (;;) {
    raw_syscall(SYS_ppoll, as_argument(polled), 2, 0, 0, 0);
    const bool is_over = (polled[0].revents & POLLIN) != 0;
    if (polled[1].fd >= 0 && !answer_requests(socket)) {
      close_fd(socket);
      polled[1].fd = -1;
    }
    if (is_over) return;
  }
}

void close_all_but(int one, int other) {
  const int low = one < other ? one : other;
  const int high = one < other ? other : one;
  if (low > 0) close_descriptors(0, low - 1);
  if (low + 1 < high) close_descriptors(low + 1, high - 1);
  close_descriptors(high + 1, kLastDescriptor);
}

// Raises the guard's limit of descriptors to its hard limit.
void raise_limit() {
  struct {
    std::uint64_t soft, hard;
  } limit;
  if (raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, as_argument(&limit)) != 0) return;
  limit.soft = limit.hard;
  raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, as_argument(&limit), 0);
}

[[noreturn]] void guard(int test_process, int socket) {
  raw_syscall(SYS_setsid);
  raw_syscall(SYS_prctl, PR_SET_NAME, as_argument("warden_guard"));
  raw_syscall(SYS_chdir, as_argument("/"));
  close_all_but(test_process, socket);
  raise_limit();
  wait_for_end(test_process, socket);
  end_all();
  leave(0);
}

}  // namespace

int start_guard_process(int test_process, int socket, int* pid, int* pidfd) {
  constexpr int kNoExitSignal = 0;
  const long started = raw_syscall(SYS_clone, CLONE_PIDFD | kNoExitSignal, 0, as_argument(pidfd), 0, 0);
  if (started == 0) guard(test_process, socket);
  if (started < 0) return static_cast<int>(-started);
  *pid = static_cast<int>(started);
  return 0;
}

}  // namespace warden::testing::internal

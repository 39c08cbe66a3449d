#include "lib/testing/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "lib/child/call.h"
#include "lib/child/child_access.h"
#include "lib/os/all_signals_blocked.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/sys.h"
#include "lib/testing/guard_process.h"

namespace warden::testing::internal {
namespace {

using warden::internal::CancellationGuard;
using warden::internal::deadline_after;
using warden::internal::linux_sys;
using warden::internal::TimePoint;
using warden::internal::UniqueFd;

constexpr absl::Duration kAnswerBound = absl::Seconds(10);
constexpr absl::Duration kEndBound = absl::Seconds(3);

std::error_code os_error(int error) { return {error, std::system_category()}; }

// Returns 0 or an errno.
int make_conversation(UniqueFd* ours, UniqueFd* guards) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  const int first = warden::internal::raise_above_stdio(ends[0]);
  const int second = warden::internal::raise_above_stdio(ends[1]);
  ours->reset(std::max(first, -1));
  guards->reset(std::max(second, -1));
  return first < 0 ? -first : second < 0 ? -second : 0;
}

// Returns 0 or an errno. Sends the descriptors unchecked: none of them may be negative.
int send_request(int socket, GuardRequest request, const int* fds, int fd_count) {
  iovec data = {&request, sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostGuardDescriptors)] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd_count > 0) {
    const std::size_t size = sizeof(int) * static_cast<std::size_t>(fd_count);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    ::memcpy(CMSG_DATA(header), fds, size);
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

warden::Result<std::unique_ptr<Guard>, std::error_code> Guard::start() {
  const CancellationGuard no_cancellation;
  const int test_process = linux_sys().pidfd_open(::getpid());
  if (test_process < 0) return os_error(-test_process);
  const UniqueFd test_process_fd(test_process);
  UniqueFd ours, guards;
  if (const int error = make_conversation(&ours, &guards)) return os_error(error);
  int pid = -1, pidfd = -1, error = 0;
  {
    const warden::internal::AllSignalsBlocked blocked;  // in the guard, for good
    error = start_guard_process(test_process, guards.get(), &pid, &pidfd);
  }
  if (error != 0) return os_error(error);
  pidfd = warden::internal::raise_above_stdio(pidfd);
  return std::unique_ptr<Guard>(new Guard(pid, UniqueFd(std::max(pidfd, -1)), std::move(ours)));
}

Guard::Guard(int pid, UniqueFd pidfd, UniqueFd socket)
    : pid_(pid), pidfd_(std::move(pidfd)), socket_(std::move(socket)) {}

Guard::~Guard() {
  if (!warden::internal::is_this_process(owner_)) return;
  const CancellationGuard no_cancellation;
  send_request(socket_.get(), {GuardRequest::Kind::kStop, 0}, nullptr, 0);
  wait_for_end();
}

// The guard may have been killed, and even reaped by a wait with __WALL in the host.
void Guard::wait_for_end() {
  pollfd ended = {pidfd_.get(), POLLIN, 0};
  const auto has_ended = [&ended] {
    return linux_sys().poll_any(&ended, 1, deadline_after(linux_sys().now(), kEndBound));
  };
  if (!has_ended()) {
    linux_sys().pidfd_kill_process(pidfd_.get(), SIGKILL);
    has_ended();
  }
  siginfo_t info = {};
  const auto by_pidfd = static_cast<idtype_t>(warden::internal::kWaitByPidfd);
  ::waitid(by_pidfd, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG | __WALL);
}

std::error_code Guard::watch(const warden::Child& child) {
  const CancellationGuard no_cancellation;
  const warden::internal::Handle* const handle = warden::internal::ChildAccess::handle(child);
  if (const auto refusal = warden::internal::refuse(handle)) return refusal.code();
  if (!warden::internal::is_this_process(owner_)) return warden::Errc::kNotOwner;
  std::optional<GroupClaim> claim;
  if (const int error = claim_group(*handle->supervised, &claim)) return os_error(error);
  if (!claim.has_value()) return {};
  const std::lock_guard<std::mutex> one_at_a_time(mutex_);
  const int error = ask(*claim);
  return error == 0 ? std::error_code() : os_error(error);
}

int Guard::ask(const GroupClaim& claim) {
  const int fds[kMostGuardDescriptors] = {claim.pidfd.get(), claim.owned.read_end.get(), claim.owned.write_end.get()};
  const int fd_count = claim.kind == GuardRequest::Kind::kWatchByOwner ? kMostGuardDescriptors : 1;
  const std::uint32_t number = ++last_number_;
  const int error = send_request(socket_.get(), {claim.kind, number}, fds, fd_count);
  return error != 0 ? error : wait_for_answer(number);
}

// Skips an answer that came too late for its request. The pidfd tells that the guard is gone and will not answer: the
// socket may not, since a forked copy may hold the guard's end.
int Guard::wait_for_answer(std::uint32_t number) {
  const TimePoint deadline = deadline_after(linux_sys().now(), kAnswerBound);
  for (;;) {
    pollfd polled[] = {{socket_.get(), POLLIN, 0}, {pidfd_.get(), POLLIN, 0}};
    if (!linux_sys().poll_any(polled, 2, deadline)) return ETIMEDOUT;
    GuardAnswer answer = {};
    const ssize_t size = ::recv(socket_.get(), &answer, sizeof answer, MSG_DONTWAIT);
    if (size == static_cast<ssize_t>(sizeof answer) && answer.number == number) return answer.error;
    const bool is_gone = size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN);
    if (is_gone || (size < 0 && polled[1].revents != 0)) return EPIPE;
  }
}

}  // namespace warden::testing::internal

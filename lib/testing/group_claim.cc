#include "lib/testing/group_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <utility>

namespace warden::testing::internal {
namespace {

using warden::internal::Leader;
using warden::internal::Lock;
using warden::internal::Pipe;
using warden::internal::Supervised;
using warden::internal::UniqueFd;

// Makes the group the owner of the pipe, by its number, which is the child's until a wait reaps the zombie. The look at
// the end shows whether a foreign wait has.
int give_to_group(Supervised& child, const Lock& lock, Pipe* pipe) {
  const Leader::Stage stage = child.leader().stage(lock);
  if (stage != Leader::Stage::kRunning && stage != Leader::Stage::kPinned) return ESRCH;
  if (const int error = warden::internal::make_pipe(pipe)) return error;
  const int fd = pipe->read_end.get();
  const bool is_set = ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && ::fcntl(pipe->write_end.get(), F_SETFL, O_NONBLOCK) == 0;
  if (!is_set || ::fcntl(fd, F_SETSIG, SIGKILL) != 0 || ::fcntl(fd, F_SETOWN, -child.pid()) != 0) return errno;
  const bool was_taken =
      child.sys().look(child.leader().process().id(), warden::internal::Reap::kLeave).error == ECHILD;
  return was_taken ? ESRCH : 0;
}

}  // namespace

int claim_group(Supervised& child, std::optional<GroupClaim>* claim) {
  const Lock lock(child);
  if (child.leader().ended(lock) && !child.group().may_live(lock)) return 0;
  const int pidfd = child.leader().process().pidfd();
  if (pidfd < 0) return EBADF;
  GroupClaim made;
  made.pidfd.reset(::fcntl(pidfd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (made.pidfd.get() < 0) return errno;
  if (child.group().is_led()) {
    const bool by_pidfd = child.leader().has_group_signals();
    made.kind = by_pidfd ? GuardRequest::Kind::kWatchGroup : GuardRequest::Kind::kWatchByOwner;
    if (const int error = by_pidfd ? 0 : give_to_group(child, lock, &made.owned)) return error;
  }
  *claim = std::move(made);
  return 0;
}

}  // namespace warden::testing::internal

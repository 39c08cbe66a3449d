#include "lib/output/wake_event.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/os/file_identity.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {

// Where the kernel refuses the mark, any file at the number passes for the event.
int WakeEvent::open() {
  UniqueFd opened = raise_above_stdio(UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (opened.get() < 0) return errno;
  mark_ = mark_file(opened.get());
  fd_ = opened.release();
  return 0;
}

void WakeEvent::claim() {
  const int event = fd();
  const auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
  const struct f_owner_ex owner = {F_OWNER_TID, thread};
  if (event >= 0 && mark_ != 0 && ::fcntl(event, F_SETOWN_EX, &owner) == 0) claimed_by_ = thread;
}

// A file without an owner, or with one that has ended, answers with the thread 0.
bool WakeEvent::is_ours(int fd, bool may_have_ended) const {
  if (mark_ == 0) return ::fcntl(fd, F_GETFD) >= 0;
  if (!has_mark(fd, mark_)) return false;
  struct f_owner_ex owner = {};
  if (claimed_by_ == 0 || ::fcntl(fd, F_GETOWN_EX, &owner) != 0) return true;
  return owner.type == F_OWNER_TID && (owner.pid == claimed_by_ || (may_have_ended && owner.pid == 0));
}

int WakeEvent::fd() const {
  const int fd = fd_;
  return fd >= 0 && is_ours(fd, false) ? fd : -1;
}

bool WakeEvent::wake() {
  const int event = fd();
  return event >= 0 && ::eventfd_write(event, 1) == 0;
}

void WakeEvent::settle() {
  eventfd_t value = 0;
  const int event = fd();
  if (event >= 0) ::eventfd_read(event, &value);
}

void WakeEvent::close() {
  const UniqueFd closed(fd());
  fd_ = -1;
}

void WakeEvent::close_ended() {
  const int fd = fd_.exchange(-1);
  if (fd >= 0 && is_ours(fd, true)) ::close(fd);
}

}  // namespace warden::internal

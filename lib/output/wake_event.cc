#include "lib/output/wake_event.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/os/unique_fd.h"

namespace warden::internal {

int WakeEvent::open() {
  UniqueFd opened = raise_above_stdio(UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (opened.get() < 0) return errno;
  fd_ = opened.release();
  return 0;
}

// Where the kernel refuses the mark, the event passes for ours ever after.
void WakeEvent::claim() {
  const auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
  const struct f_owner_ex owner = {F_OWNER_TID, thread};
  if (::fcntl(fd_, F_SETOWN_EX, &owner) == 0) claimed_by_ = thread;
}

pid_t WakeEvent::thread_of(int fd) const {
  struct f_owner_ex owner = {};
  return ::fcntl(fd, F_GETOWN_EX, &owner) == 0 && owner.type == F_OWNER_TID ? owner.pid : -1;
}

int WakeEvent::fd() const {
  const int fd = fd_;
  const pid_t thread = claimed_by_;
  return fd < 0 || thread == 0 || thread_of(fd) == thread ? fd : -1;
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

void WakeEvent::close_copy() {
  if (claimed_by_ != 0 && thread_of(fd_) == 0) claimed_by_ = 0;
  close();
}

}  // namespace warden::internal

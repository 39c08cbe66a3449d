// The descriptor by which other threads wake the pump's.
#ifndef WARDEN_LIB_OUTPUT_WAKE_EVENT_H_
#define WARDEN_LIB_OUTPUT_WAKE_EVENT_H_

#include <sys/types.h>

#include <atomic>

#include "lib/os/unique_fd.h"

namespace warden::internal {

// An eventfd(2). All of them are one inode: what tells this one from a file that the host has at its number since is a
// mark, and the thread that its SIGIO would go to (F_SETOWN_EX, which has no effect without O_ASYNC).
class WakeEvent {
 public:
  WakeEvent() = default;
  ~WakeEvent() { close(); }
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  // 0, or an errno.
  int open();
  // For the thread that waits, before it does: the event is that thread's from now on.
  void claim();

  // Negative where there is none, or where the host has closed it.
  int fd() const;
  // Readable from now on. False where the host has closed it.
  bool wake();
  // Not readable any more.
  void settle();
  // Idempotent. REQUIRES: the thread has not ended.
  void close();
  // The same after the thread has ended, as also in a forked copy of the process, whose original may have ended it.
  void close_ended();

 private:
  bool is_ours(int fd, bool may_have_ended) const;

  int mark_ = 0;  // 0 for none
  std::atomic<int> fd_{-1};
  std::atomic<pid_t> claimed_by_{0};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_WAKE_EVENT_H_

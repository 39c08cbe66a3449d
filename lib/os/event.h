// A one-time event as a descriptor, for a thread that waits for other descriptors, too.
#ifndef WARDEN_LIB_OS_EVENT_H_
#define WARDEN_LIB_OS_EVENT_H_

#include <algorithm>

#include "absl/time/time.h"
#include "lib/os/deadline.h"
#include "lib/os/sys.h"

namespace warden::internal {

class Event {
 public:
  explicit Event(Sys& sys) : sys_(sys), fd_(sys.make_event()) {}
  ~Event() {
    if (fd_ >= 0) sys_.close_fd(fd_);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Readable once it has happened; negative when the kernel gave no descriptor.
  int fd() const { return fd_; }
  void happen() {
    if (fd_ >= 0) sys_.signal_event(fd_);
  }
  // Until when a thread may wait before it looks itself: without a descriptor, for a short pause.
  TimePoint latest_look(TimePoint deadline) const {
    return fd_ >= 0 ? deadline : std::min(deadline, deadline_after(sys_.now(), absl::Milliseconds(20)));
  }

 private:
  Sys& sys_;
  const int fd_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_EVENT_H_

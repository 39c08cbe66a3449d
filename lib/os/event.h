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
  enum class Kind { kDescriptor, kNone };

  // kNone is as where the kernel gives no descriptor.
  explicit Event(Sys& sys, Kind kind = Kind::kDescriptor)
      : sys_(sys), fd_(kind == Kind::kDescriptor ? sys.make_event() : -1) {}
  ~Event() {
    if (fd_ >= 0) sys_.close_event(fd_);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Readable once it has happened; negative where there is none.
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

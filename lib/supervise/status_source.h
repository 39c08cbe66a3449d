// Who tells of the end of a leader that is not a child of this process.
#ifndef WARDEN_LIB_SUPERVISE_STATUS_SOURCE_H_
#define WARDEN_LIB_SUPERVISE_STATUS_SOURCE_H_

#include <cstddef>

#include "lib/os/sys.h"
#include "lib/supervise/changes.h"

namespace warden::internal {

// Descriptors to wait for; any that can be read ends the wait.
struct WaitFds {
  int fds[2];
  std::size_t count = 0;
  void add(int fd) {
    if (fd >= 0) fds[count++] = fd;
  }
};

class StatusSource {
 public:
  // As Sys::look(). ECHILD: nobody will tell any more.
  virtual WaitOutcome look_at_leader(const Lock& lock) = 0;
  // What a wait for news of the leader waits for.
  virtual WaitFds news(const Lock& lock) const = 0;
  // Whether the kernel refuses such a wait: poll(2) fails where RLIMIT_NOFILE is below the number of descriptors.
  virtual bool is_blind(const Lock& lock) const = 0;
  // When a wait for them looks again: before the deadline where the news are late.
  virtual TimePoint next_look(const Lock& lock, TimePoint deadline) const = 0;
  // Whether the host has closed one of those. Needs no lock.
  virtual bool has_lost_descriptors() const = 0;

 protected:
  ~StatusSource() = default;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_STATUS_SOURCE_H_

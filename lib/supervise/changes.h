// Waiting for what happens to one child, and telling of it.
#ifndef WARDEN_LIB_SUPERVISE_CHANGES_H_
#define WARDEN_LIB_SUPERVISE_CHANGES_H_

#include <poll.h>

#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/os/event.h"
#include "lib/os/sys.h"

namespace warden::internal {

class Supervised;

// Holds the lock of one child. It is a type of its own, so that the lock of another mutex does not pass for it.
class Lock : public std::unique_lock<std::mutex> {
 public:
  explicit Lock(Supervised& child);
};

// Is told of every change of a child, under the child's lock.
class ChangeObserver {
 public:
  virtual void child_changed() = 0;

 protected:
  ~ChangeObserver() = default;
};

// What ended a wait for a descriptor or a change.
enum class Woken { kReadable, kChanged, kDeadline };

// Thread-safe: a method with a Lock needs the child's lock. A method that waits releases it meanwhile.
class Changes {
 public:
  Changes(Sys& sys, const std::mutex& mutex) : sys_(sys), mutex_(mutex) {}

  // Fails in a debug build where `lock` is not the child's, or not held.
  void check([[maybe_unused]] const Lock& lock) const { assert(lock.owns_lock() && lock.mutex() == &mutex_); }

  // Waits for a change, until the deadline at most; may wake without one.
  void wait(Lock& lock, TimePoint deadline);
  // The same, or until one of the descriptors, two at most, can be read. A deadline may come early where no event can
  // be had for the changes.
  Woken wait_readable(Lock& lock, const int* fds, std::size_t count, TimePoint deadline);
  Woken wait_readable(Lock& lock, int fd, TimePoint deadline) { return wait_readable(lock, &fd, 1, deadline); }
  // The same, or until poll(2) has something to say of one of the first `count`. `polled` has room for one more.
  void wait_any(Lock& lock, pollfd* polled, std::size_t count, TimePoint deadline);
  // The reaper may get a private descriptor table: it can neither signal an event of the process's table nor close one,
  // so that waits for a descriptor look again after a pause from now on.
  void do_without_events(const Lock& lock);
  // Closes the event of waits that are over, if nobody else waits with it.
  void drop_unused_event(const Lock& lock);

  // Something has changed: wakes every waiter and tells the observers.
  void notify(const Lock& lock);
  // Wakes those in wait() alone. Without the lock: they would have to wait for it at once.
  void wake_sleepers() { changed_.notify_all(); }

  void add_observer(const Lock& lock, ChangeObserver* observer);
  void remove_observer(const Lock& lock, ChangeObserver* observer);

  // The reaper's first wait: a change does not end it, only end_grace() does, once wake_from_grace() tells of it.
  void wait_in_grace(Lock& lock, TimePoint deadline);
  void end_grace(const Lock& lock);
  void wake_from_grace() { grace_over_.notify_all(); }

 private:
  std::shared_ptr<Event> next_change();

  Sys& sys_;
  const std::mutex& mutex_;
  std::condition_variable changed_;
  int sleepers_ = 0;  // on it
  Event::Kind kind_ = Event::Kind::kDescriptor;
  std::shared_ptr<Event> event_;  // happens with the next change: of those who wait for a descriptor, too
  std::vector<ChangeObserver*> observers_;
  std::condition_variable grace_over_;
  bool grace_is_over_ = false;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_CHANGES_H_

#include "lib/supervise/changes.h"

#include <algorithm>
#include <utility>

namespace warden::internal {

void Changes::wait(Lock& lock, TimePoint deadline) {
  check(lock);
  ++sleepers_;
  sys_.wait_until(changed_, lock, deadline);
  --sleepers_;
}

std::shared_ptr<Event> Changes::next_change() {
  if (event_ == nullptr) event_ = std::make_shared<Event>(sys_, kind_);
  return event_;
}

void Changes::do_without_events(const Lock& lock) {
  check(lock);
  kind_ = Event::Kind::kNone;
}

void Changes::drop_unused_event(const Lock& lock) {
  check(lock);
  if (event_.use_count() == 1) event_ = nullptr;
}

Woken Changes::wait_readable(Lock& lock, const int* fds, std::size_t count, TimePoint deadline) {
  check(lock);
  const std::shared_ptr<Event> event = next_change();
  deadline = event->latest_look(deadline);
  int polled[3];
  assert(count <= 2);
  std::copy_n(fds, count, polled);
  if (event->fd() >= 0) polled[count++] = event->fd();
  lock.unlock();
  const bool is_readable = sys_.poll_readable(polled, count, deadline);
  lock.lock();
  if (event_ != event) return Woken::kChanged;   // it has happened
  if (event.use_count() == 2) event_ = nullptr;  // nobody else waits for it
  return is_readable ? Woken::kReadable : Woken::kDeadline;
}

void Changes::wait_any(Lock& lock, pollfd* polled, std::size_t count, TimePoint deadline) {
  check(lock);
  const std::shared_ptr<Event> event = next_change();
  deadline = event->latest_look(deadline);
  if (event->fd() >= 0) polled[count++] = {event->fd(), POLLIN, 0};
  lock.unlock();
  sys_.poll_any(polled, count, deadline);
  lock.lock();
}

void Changes::notify(const Lock& lock) {
  check(lock);
  if (sleepers_ > 0) changed_.notify_all();
  if (event_ != nullptr) std::exchange(event_, nullptr)->happen();
  for (ChangeObserver* const observer : observers_) observer->child_changed();
}

void Changes::add_observer(const Lock& lock, ChangeObserver* observer) {
  check(lock);
  observers_.push_back(observer);
}

void Changes::remove_observer(const Lock& lock, ChangeObserver* observer) {
  check(lock);
  observers_.erase(std::find(observers_.begin(), observers_.end(), observer));
}

void Changes::wait_in_grace(Lock& lock, TimePoint deadline) {
  check(lock);
  while (!grace_is_over_ && sys_.now() < deadline) sys_.wait_until(grace_over_, lock, deadline);
}

void Changes::end_grace(const Lock& lock) {
  check(lock);
  grace_is_over_ = true;
}

}  // namespace warden::internal

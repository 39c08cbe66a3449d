#include "lib/child/wait_for_line.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include "lib/output/pump_patience.h"

namespace warden::internal {
namespace {

// What the pump has found. Stands on the waiting thread's stack; the pump's thread writes to it while it hands out
// lines.
struct Search {
  const LinePredicate& predicate;
  LineWait result;
  std::exception_ptr thrown;

  // Returns whether the search goes on.
  bool look_at(const Line& line) {
    try {
      if (!predicate(line)) return true;
      result.line = std::string(line.text);
      result.truncated = line.truncated;
      result.unfinished = line.unfinished;
      result.kind = LineWait::Kind::kMatched;
    } catch (...) {
      thrown = std::current_exception();
    }
    return false;
  }
};

// Wakes the thread that waits for the stream when the child changes.
class ExitNotice final : public ChangeObserver {
 public:
  ExitNotice(Supervised& child, CapturedStream& stream) : child_(child), stream_(stream) {
    const Lock lock(child_);
    child_.changes().add_observer(lock, this);
  }
  ~ExitNotice() {
    const Lock lock(child_);
    child_.changes().remove_observer(lock, this);
  }
  ExitNotice(const ExitNotice&) = delete;
  ExitNotice& operator=(const ExitNotice&) = delete;

  void child_changed() override {
    {
      const CapturedStream::Lock lock(stream_.mutex());
      has_changed_ = true;
    }
    stream_.notify();
  }

  // Whether the child has ended; a later change sets has_changed().
  bool look() {
    {
      const CapturedStream::Lock lock(stream_.mutex());
      has_changed_ = false;
    }
    Lock lock(child_);
    if (child_.leader().process().has_lost_pidfd()) child_.leader().look(lock);
    return child_.leader().ended(lock);
  }
  // REQUIRES: the stream's lock.
  bool has_changed() const { return has_changed_; }

 private:
  Supervised& child_;
  CapturedStream& stream_;
  bool has_changed_ = false;
};

class LineWaiter {
 public:
  LineWaiter(Supervised& child, OutputPump& pump, CapturedStream& stream, LineSubscription& subscription)
      : sys_(child.sys()), pump_(pump), stream_(stream), subscription_(subscription), notice_(child, stream) {}

  // Waits until no more lines can come, or until the deadline. Returns which.
  LineWait::Kind wait(TimePoint deadline) {
    PumpPatience patience(sys_, pump_, deadline);
    std::uint64_t request = ask(stream_.request_catch_up());
    for (bool was_exited = false;;) {
      const bool is_exited = notice_.look();
      CapturedStream::Lock lock(stream_.mutex());
      if (subscription_.is_over) return end_of_stream(lock);
      const bool is_caught_up = stream_.is_caught_up(lock, request);
      if (is_caught_up && was_exited) return LineWait::Kind::kChildExited;
      if (is_caught_up && is_exited) {
        // The child's last output may still be in the pipe, and its last line need not be finished.
        was_exited = true;
        lock.unlock();
        request = ask(stream_.request_rest(subscription_));
      } else if (sys_.now() >= patience.until(is_caught_up)) {
        lock.unlock();
        if (!patience.lose_streams()) return LineWait::Kind::kTimedOut;
      } else if (!is_caught_up || !notice_.has_changed()) {
        stream_.wait_changed(sys_, lock, patience.next_look(is_caught_up));
      }
    }
  }

 private:
  std::uint64_t ask(std::uint64_t request) {
    pump_.wake();
    return request;
  }
  LineWait::Kind end_of_stream(const CapturedStream::Lock& lock) const {
    return stream_.read_error(lock) ? LineWait::Kind::kReadFailed : LineWait::Kind::kStreamClosed;
  }

  Sys& sys_;
  OutputPump& pump_;
  CapturedStream& stream_;
  LineSubscription& subscription_;
  ExitNotice notice_;
};

}  // namespace

LineWait wait_for_line(Supervised& child, OutputPump& pump, CapturedStream& stream, const LinePredicate& predicate,
                       LineWish wish, TimePoint deadline) {
  Search search{predicate, {}, nullptr};
  const auto subscription = std::make_shared<LineSubscription>(
      stream.max_line_length(), [&search](const Line& line) { return search.look_at(line); }, wish);
  LineWaiter waiter(child, pump, stream, *subscription);
  stream.attach(subscription);  // nothing throws until the detach: the pump uses this stack
  LineWait unmatched;
  unmatched.kind = waiter.wait(deadline);
  {
    CapturedStream::Lock lock(stream.mutex());
    stream.detach(child.sys(), lock, *subscription);
    if (unmatched.kind == LineWait::Kind::kReadFailed) unmatched.read_error = stream.read_error(lock);
  }
  pump.wake();  // it forgets the subscription
  if (search.thrown != nullptr) std::rethrow_exception(std::move(search.thrown));
  return search.result.matched() ? std::move(search.result) : unmatched;
}

}  // namespace warden::internal

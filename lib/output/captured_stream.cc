#include "lib/output/captured_stream.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "lib/base/os_error.h"
#include "lib/output/output_access.h"

namespace warden::internal {
namespace {

// How many reads one stream gets before the other has its turn, where there is always more.
constexpr int kReadsInARow = 16;

// From this many bytes on it is cheaper to skip them than to read them.
constexpr std::size_t kWorthSkipping = 32 * 1024;

}  // namespace

int CapturedStream::open(UniqueFd* write_end) {
  const int error = pipe_.open(write_end);
  if (error == 0 && kept_.keeps_nothing()) sink_.open();  // where it cannot, the pump reads the bytes after all
  return error;
}

Output CapturedStream::snapshot() {
  const Lock lock(mutex_);
  OutputFacts facts;
  facts.total_bytes = kept_.total();
  facts.complete = has_ended_ && !read_error_;
  facts.read_error = read_error_;
  facts.tail = kept_.tail();
  return OutputAccess::make(kept_.snapshot(), std::move(facts));
}

void CapturedStream::attach(const std::shared_ptr<LineSubscription>& subscription) {
  const Lock lock(mutex_);
  if (is_lost_) {
    subscription->stop();
    subscription->is_over = true;
  } else {
    fresh_.push_back(subscription);
  }
}

std::uint64_t CapturedStream::request_catch_up() {
  const Lock lock(mutex_);
  return ++catch_up_requests_;
}

std::uint64_t CapturedStream::request_rest(LineSubscription& subscription) {
  const Lock lock(mutex_);
  return subscription.rest_request = ++catch_up_requests_;
}

std::uint64_t CapturedStream::request_rest() {
  const Lock lock(mutex_);
  ++catch_up_requests_;
  for (const Subscriptions* const subscriptions : {&live_, &fresh_}) {
    for (const auto& subscription : *subscriptions) subscription->rest_request = catch_up_requests_;
  }
  return catch_up_requests_;
}

void CapturedStream::detach(Sys& sys, Lock& lock, LineSubscription& subscription) {
  subscription.stop();
  while (subscription.is_running) wait_changed(sys, lock, TimePoint::max());
}

void CapturedStream::wait_changed(Sys& sys, Lock& lock, TimePoint deadline) {
  ++waiters_;
  sys.wait_until(changed_, lock, deadline);
  --waiters_;
}

void CapturedStream::notify() {
  const Lock lock(mutex_);
  if (waiters_ > 0) changed_.notify_all();
}

void CapturedStream::stop() {
  const Lock lock(mutex_);
  is_stopped_ = true;
  for (const auto& subscription : live_) subscription->stop();
}

void CapturedStream::wait_idle() {
  Lock lock(mutex_);
  const auto is_running = [](const auto& subscription) { return subscription->is_running; };
  ++waiters_;
  changed_.wait(lock, [&] { return std::none_of(live_.begin(), live_.end(), is_running); });
  --waiters_;
}

void CapturedStream::lose() {
  const Lock lock(mutex_);
  is_lost_ = true;
  if (!has_ended_) read_error_ = os_error(EBADF);
  has_ended_ = true;
  caught_up_ = std::numeric_limits<std::uint64_t>::max();
  for (const Subscriptions* const subscriptions : {&live_, &fresh_}) {
    for (const auto& subscription : *subscriptions) {
      subscription->stop();
      subscription->is_over = !subscription->is_running;
    }
  }
  if (waiters_ > 0) changed_.notify_all();
}

std::error_code CapturedStream::read_error(const Lock&) const {
  return is_lost_ && !read_error_ ? os_error(EBADF) : read_error_;
}

void CapturedStream::end_if_lost() {
  if (!pipe_.is_ours()) end(EBADF);
}

// Runs `hand_out` without the lock and with the subscription marked as running, unless the stream or the
// subscription has been stopped.
template <class HandOut>
void CapturedStream::give(LineSubscription& subscription, HandOut hand_out) {
  {
    const Lock lock(mutex_);
    if (is_stopped_ || subscription.is_stopped()) return;
    subscription.is_running = true;
  }
  hand_out(subscription);
  const Lock lock(mutex_);
  subscription.is_running = false;
  subscription.is_over = subscription.is_stopped();
  if (waiters_ > 0) changed_.notify_all();
}

// Hands out the lines that were kept before the subscription came.
void CapturedStream::replay(LineSubscription& subscription) {
  give(subscription, [this](LineSubscription& taker) {
    if (!kept_.begins_a_line()) taker.take_gap(false);
    kept_.for_each([&taker](std::string_view bytes) { taker.take(bytes); });
    if (kept_.ends_early()) {
      if (kept_.ends_before_newline()) taker.take("\n");
      taker.take_gap(last_byte_ == '\n');
    }
    pipe_.fd() < 0 ? take_end(taker) : taker.take_pause();
  });
}

// A stream that cannot be read has not ended: its last line may have gone on.
void CapturedStream::take_end(LineSubscription& taker) {
  Lock lock(mutex_);
  const bool has_failed = static_cast<bool>(read_error_);
  lock.unlock();
  has_failed ? taker.take_rest() : taker.take_end();
}

void CapturedStream::hand_out_rest(LineSubscription& subscription, std::uint64_t request) {
  {
    const Lock lock(mutex_);
    if (subscription.rest_request == 0 || subscription.rest_request > request) return;
    subscription.rest_request = 0;
  }
  give(subscription, [](LineSubscription& taker) { taker.take_rest(); });
}

void CapturedStream::serve(Scratch scratch) {
  Subscriptions::iterator fresh;
  std::uint64_t request = 0;
  bool has_caught_up = false;
  {
    const Lock lock(mutex_);
    request = catch_up_requests_;
    has_caught_up = request <= caught_up_;
    fresh = fresh_.empty() ? live_.end() : fresh_.begin();
    live_.splice(live_.end(), fresh_);
  }
  for (; fresh != live_.end(); ++fresh) replay(**fresh);
  if (pipe_.fd() >= 0 && !has_caught_up) read_pending(scratch);
  for (const auto& subscription : live_) hand_out_rest(*subscription, request);
  Subscriptions finished;  // destroyed without the lock: what they hold belongs to the program
  const Lock lock(mutex_);
  caught_up_ = std::max(caught_up_, request);
  remove_finished(&finished);
  if (waiters_ > 0) changed_.notify_all();
}

// Under the lock.
void CapturedStream::remove_finished(Subscriptions* finished) {
  for (auto next = live_.begin(); next != live_.end();) {
    const auto subscription = next++;
    if (has_ended_) (*subscription)->is_over = true;
    if (has_ended_ || (*subscription)->is_stopped()) finished->splice(finished->end(), live_, subscription);
  }
}

// Reads at least what is in the pipe now, and its end if that comes next.
void CapturedStream::read_pending(Scratch scratch) {
  end_if_lost();
  int available = 0;
  if (::ioctl(pipe_.fd(), FIONREAD, &available) != 0) available = 0;
  auto pending = static_cast<std::size_t>(available);
  while (pipe_.fd() >= 0) {
    std::size_t room = 0;
    const std::size_t count = read_once(scratch, &room);
    if (count == 0 || count > pending) return;
    pending -= count;
  }
}

void CapturedStream::read_some(Scratch scratch) {
  end_if_lost();
  for (int i = 0; i < kReadsInARow && pipe_.fd() >= 0; ++i) {
    std::size_t room = 0;
    if (read_once(scratch, &room) < room) return;
  }
}

// Discards what is in the pipe unread, except its last bytes, which are to be read next. Returns how many; 0 where a
// subscription wants the lines, where little is there, or where the sink cannot take it. REQUIRES: nothing is kept now.
std::size_t CapturedStream::skip_unwanted() {
  int available = 0;
  if (!kept_.keeps_nothing() || !live_.empty() || ::ioctl(pipe_.fd(), FIONREAD, &available) != 0) return 0;
  const auto pending = static_cast<std::size_t>(available);
  return pending < kWorthSkipping ? 0 : sink_.swallow(pipe_.fd(), pending - ChunkList::kTail);
}

// Reads once, straight to where the bytes are kept, if they are. Returns how many came; 0 when there are none for now,
// or the stream has ended.
std::size_t CapturedStream::read_once(Scratch scratch, std::size_t* room) {
  ChunkList::Space space = kept_.space();
  const bool is_kept = space.size > 0;
  const std::size_t skipped = is_kept ? 0 : skip_unwanted();
  if (!is_kept) space = {scratch.data, skipped > 0 ? ChunkList::kTail : scratch.size};
  *room = space.size;
  const ssize_t count = ::read(pipe_.fd(), space.data, space.size);  // never EINTR, since it does not block
  const int error = count < 0 ? errno : 0;
  const std::string_view bytes(space.data, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (skipped + bytes.size() > 0) add(bytes, is_kept, skipped);
  if (count <= 0 && error != EAGAIN) end(error);
  return skipped + bytes.size();
}

// `skipped`: how many bytes came before these and were not read; 0 where these are kept.
void CapturedStream::add(std::string_view bytes, bool is_kept, std::size_t skipped) {
  {
    const Lock lock(mutex_);
    is_kept ? kept_.commit(bytes.size()) : kept_.lose(bytes, skipped);
  }
  last_byte_ = bytes.empty() ? '\0' : bytes.back();
  for (const auto& subscription : live_) {
    give(*subscription, [bytes](LineSubscription& taker) {
      taker.take(bytes);
      taker.take_pause();
    });
  }
  if (!live_.empty()) end_if_lost();  // a callback may have closed it
}

void CapturedStream::end(int error) {
  if (error != 0) {
    const Lock lock(mutex_);
    read_error_ = os_error(error);
  }
  for (const auto& subscription : live_) {
    give(*subscription, [this](LineSubscription& taker) { take_end(taker); });
  }
  pipe_.close();
  sink_.close();
  Subscriptions finished;
  const Lock lock(mutex_);
  has_ended_ = true;
  remove_finished(&finished);
  if (waiters_ > 0) changed_.notify_all();
}

}  // namespace warden::internal

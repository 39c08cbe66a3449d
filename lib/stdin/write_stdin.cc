#include "lib/stdin/write_stdin.h"

#include <errno.h>

#include "lib/base/os_error.h"
#include "lib/os/next_question.h"

namespace warden::internal {
namespace {

using Kind = StdinError::Kind;

// A call that writes, or waits for its turn to write.
class Writer {
 public:
  Writer(Supervised& child, Lock& lock) : child_(child), lock_(lock) { pipe().add_user(); }
  ~Writer() {
    if (has_turn_ && pipe().end_turn()) child_.changes().notify(lock_);
    pipe().remove_user();
    child_.changes().drop_unused_event(lock_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Waits for this writer's turn. Returns why it does not come.
  std::optional<Kind> wait_for_turn(TimePoint deadline) {
    while (!(has_turn_ = pipe().take_turn())) {
      if (const auto why = why_not_writable(child_, lock_)) return why;
      if (child_.sys().now() >= deadline) return Kind::kTimedOut;
      pipe().begin_waiting_for_turn();
      child_.changes().wait(lock_, deadline);
      pipe().end_waiting_for_turn();
    }
    return std::nullopt;
  }

 private:
  StdinPipe& pipe() { return child_.stdin_pipe(lock_); }

  Supervised& child_;
  Lock& lock_;
  bool has_turn_ = false;
};

int errno_of(Kind kind) {
  if (kind == Kind::kClosed) return EBADF;
  return kind == Kind::kTimedOut ? ETIMEDOUT : EPIPE;
}

StdinError stopped(Supervised& child, std::size_t written, Kind kind) {
  return {kind, os_error(errno_of(kind)), child.name(), written};
}

StdinError broken(Supervised& child, std::size_t written, int error) {
  if (error == EPIPE) return stopped(child, written, Kind::kNoReader);
  return {Kind::kFailed, os_error(error), child.name(), written};
}

// One write, with the lock released.
ssize_t write_once(Supervised& child, Lock& lock, std::string_view data) {
  const int fd = child.stdin_fd(lock);
  lock.unlock();
  const ssize_t result = child.sys().write_pipe(fd, data.data(), data.size());
  lock.lock();
  return result;
}

}  // namespace

std::optional<StdinError::Kind> why_not_writable(Supervised& child, const Lock& lock) {
  if (child.stdin_fd(lock) < 0) return Kind::kClosed;
  if (child.leader().ended(lock)) return Kind::kChildEnded;
  return std::nullopt;
}

Result<void, StdinError> write_stdin(Supervised& child, Lock& lock, std::string_view data, TimePoint deadline) {
  Writer writer(child, lock);
  if (const auto why = writer.wait_for_turn(deadline)) return stopped(child, 0, *why);
  std::size_t written = 0;
  for (;;) {
    if (const auto why = why_not_writable(child, lock)) return stopped(child, written, *why);
    if (data.empty()) return outcome::success();
    const ssize_t result = write_once(child, lock, data);
    if (result < 0 && result != -EAGAIN) return broken(child, written, static_cast<int>(-result));
    if (result > 0) {
      written += static_cast<std::size_t>(result);
      data.remove_prefix(static_cast<std::size_t>(result));
      if (data.empty()) return outcome::success();
    }
    if (child.sys().now() >= deadline) return stopped(child, written, Kind::kTimedOut);
    if (result > 0 || why_not_writable(child, lock)) continue;  // do not wait for a change that has come
    pollfd polled[2] = {{child.stdin_fd(lock), POLLOUT, 0}, {}};
    child.changes().wait_any(lock, polled, 1, next_question(child.sys(), deadline));
    if (child.leader().process().has_lost_pidfd()) child.leader().look(lock);
  }
}

}  // namespace warden::internal

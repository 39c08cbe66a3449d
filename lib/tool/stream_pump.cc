#include "lib/tool/stream_pump.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "lib/tool/stream_target.h"

namespace warden::tool {
namespace {

constexpr std::size_t kChunk = 64 * 1024;
// How long to pause after poll(2) has said that a write is possible and it was not.
constexpr int kPauseMilliseconds = 10;

// For poll(2): rounded up, so that the time is over when it returns.
int milliseconds_until(StreamPump::Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - StreamPump::Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000 * 1000 * 1000));
}

}  // namespace

StreamPump::StreamPump(UniqueFd source, UniqueFd target, UniqueFd wake, Observer observe)
    : source_(std::move(source)),
      target_(std::move(target)),
      wake_(std::move(wake)),
      observe_(std::move(observe)),
      buffer_(kChunk) {
  thread_ = std::thread([this] { run(); });
}

StreamPump::~StreamPump() {
  give_up_at(Clock::now());
  join();
}

void StreamPump::expect_end_by(Clock::time_point deadline) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    end_by_ = deadline;
  }
  wake_up();
}

void StreamPump::give_up_at(Clock::time_point deadline) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    give_up_ = std::min(deadline, give_up_.value_or(deadline));
  }
  wake_up();
}

void StreamPump::wake_up() {
  const std::uint64_t one = 1;
  // The write fails only when the eventfd is full of calls already.
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

void StreamPump::join() {
  if (thread_.joinable()) thread_.join();
}

void StreamPump::run() {
  block_signals_of_writing();
  for (;;) {
    if (!wait_ready(source_.get(), Side::kRead)) {
      pass_rest();
      break;
    }
    if (pass_some(kChunk) == 0) break;
  }
  // While a process holds it, the pipe stays open as long as this: closed, it would end that process by SIGPIPE before
  // the tool has found it.
  if (result_.write_error) source_.reset();
}

std::optional<StreamPump::Clock::time_point> StreamPump::deadline(Side side) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (side == Side::kWrite || !end_by_.has_value()) return give_up_;
  return std::min(*end_by_, give_up_.value_or(*end_by_));
}

// False when the deadline came first.
bool StreamPump::wait_ready(int fd, Side side) {
  for (;;) {
    const auto until = deadline(side);
    if (until.has_value() && Clock::now() >= *until) return false;
    pollfd polled[] = {{fd, static_cast<short>(side == Side::kRead ? POLLIN : POLLOUT), 0}, {wake_.get(), POLLIN, 0}};
    ::poll(polled, 2, until.has_value() ? milliseconds_until(*until) : -1);
    std::uint64_t calls = 0;
    if (polled[1].revents != 0) static_cast<void>(!::read(wake_.get(), &calls, sizeof calls));
    if (polled[0].revents != 0) return true;
  }
}

// Another writer has been quicker, or a terminal has room for one byte and needs room for two: poll(2) may go on saying
// that there is room.
void StreamPump::pause() {
  pollfd polled = {wake_.get(), POLLIN, 0};
  ::poll(&polled, 1, kPauseMilliseconds);
}

std::size_t StreamPump::pass_some(std::size_t most) {
  const ssize_t count = ::read(source_.get(), buffer_.data(), std::min(most, buffer_.size()));
  result_.complete = count == 0;
  if (count <= 0) return 0;
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
  result_.total_bytes += bytes.size();
  observe_(bytes);
  return write_all(bytes) ? bytes.size() : 0;
}

// Reads no more than is there now: another process may go on writing for ever.
void StreamPump::pass_rest() {
  int there = 0;
  ::ioctl(source_.get(), FIONREAD, &there);
  for (std::size_t left = static_cast<std::size_t>(std::max(there, 0)); left > 0;) {
    const std::size_t passed = pass_some(left);
    if (passed == 0) return;
    left -= passed;
  }
  pollfd polled = {source_.get(), POLLIN, 0};
  ::poll(&polled, 1, 0);
  result_.complete = (polled.revents & (POLLIN | POLLHUP)) == POLLHUP;
}

// False when the target takes no more. After the time of give_up_at() the bytes are only counted.
bool StreamPump::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_ready(target_.get(), Side::kWrite)) return true;
    const ssize_t count = write_some(target_, bytes);
    if (count < 0 && errno == EAGAIN) {
      pause();
      continue;
    }
    if (count < 0) {
      result_.write_error = std::error_code(errno, std::generic_category());
      return false;
    }
    result_.passed_bytes += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace warden::tool

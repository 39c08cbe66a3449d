#include "lib/stdin/stdin_feeder.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <new>
#include <utility>

#include "lib/base/os_error.h"
#include "lib/os/deadline.h"
#include "lib/os/held_fd.h"
#include "lib/os/read_fd.h"
#include "lib/os/thread.h"
#include "lib/stdin/write_stdin.h"

namespace warden::internal {
namespace {

// How much one read takes: the capacity of a pipe.
constexpr std::size_t kChunk = 64 * 1024;

// How long the thread may take to see that the pipe is closed. Only a read that blocks can take longer.
constexpr absl::Duration kPatience = absl::Seconds(3);

}  // namespace

struct StdinFeeder::Feed {
  std::shared_ptr<Supervised> child;
  std::string data;  // the chunk, where there is a source
  HeldFd source;
  FeedReport report = {};  // this and the next under the child's lock
  bool is_over = false;

  void run(Lock& lock);
  bool write(Lock& lock, std::string_view text);
  bool wait_for_source(Lock& lock);
  ssize_t read(Lock& lock);
  bool is_at_end(Lock& lock);
};

// False when the feeder has to stop.
bool StdinFeeder::Feed::write(Lock& lock, std::string_view text) {
  auto written = write_stdin(*child, lock, text, TimePoint::max());
  report.written += written.has_error() ? written.error().written : text.size();
  if (written.has_error()) report.stdin_error = std::move(written).error();
  return !written.has_error();
}

// Waits until the source can be read. False when the child no longer reads: a source may stay silent for ever.
bool StdinFeeder::Feed::wait_for_source(Lock& lock) {
  for (;;) {
    if (!write(lock, "")) return false;
    const int fd = source.get();
    if (fd < 0) {  // the host has closed it
      report.source_error = os_error(EBADF);
      return false;
    }
    pollfd polled[3] = {{fd, POLLIN, 0}, {child->stdin_fd(lock), 0, 0}, {}};
    child->changes().wait_any(lock, polled, 2, TimePoint::max());
    if (!write(lock, "")) return false;  // another file may have got the number that was polled
    if ((polled[1].revents & POLLERR) != 0) {
      report.stdin_error = StdinError{StdinError::Kind::kNoReader, os_error(EPIPE), child->name()};
      return false;
    }
    if (polled[0].revents != 0) return true;
  }
}

ssize_t StdinFeeder::Feed::read(Lock& lock) {
  lock.unlock();
  const ssize_t got = read_fd(source.get(), data.data(), data.size());
  lock.lock();
  return got;
}

// Whether the source is a regular file with nothing left to read. A file without blocks may have another size than its
// text (in /proc 0, in /sys a page): only a read tells.
bool StdinFeeder::Feed::is_at_end(Lock& lock) {
  struct stat info = {};
  if (::fstat(source.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (info.st_size > 0 && info.st_blocks > 0) return ::lseek(source.get(), 0, SEEK_CUR) >= info.st_size;
  pollfd polled = {source.get(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1 && read(lock) == 0;
}

void StdinFeeder::Feed::run(Lock& lock) {
  if (!source.is_set()) {
    write(lock, data);
    return;
  }
  while (wait_for_source(lock)) {
    const ssize_t got = read(lock);
    if (got == 0) return;
    if (got == -EAGAIN) continue;
    if (got < 0) report.source_error = os_error(static_cast<int>(-got));
    if (got < 0 || !write(lock, {data.data(), static_cast<std::size_t>(got)})) return;
  }
  // A child that has got all of a file need not wait for the end of its input.
  if (is_at_end(lock)) report.stdin_error.reset();
}

void* StdinFeeder::thread_main(void* argument) {
  const std::unique_ptr<std::shared_ptr<Feed>> own(static_cast<std::shared_ptr<Feed>*>(argument));
  Feed& feed = **own;
  Lock lock(*feed.child);
  StdinPipe& pipe = feed.child->stdin_pipe(lock);
  pipe.add_user();
  try {
    feed.run(lock);
  } catch (const std::bad_alloc&) {
    if (!lock.owns_lock()) lock.lock();
    feed.report.is_out_of_memory = true;
  }
  pipe.remove_user();
  feed.child->close_stdin(lock);
  feed.is_over = true;
  feed.child->changes().notify(lock);
  return nullptr;
}

int StdinFeeder::start(std::shared_ptr<Supervised> child, std::string data) {
  return start(std::make_shared<Feed>(Feed{std::move(child), std::move(data), {}}));
}

int StdinFeeder::start(std::shared_ptr<Supervised> child, UniqueFd source) {
  return start(std::make_shared<Feed>(Feed{std::move(child), std::string(kChunk, '\0'), HeldFd(std::move(source))}));
}

int StdinFeeder::start(std::shared_ptr<Feed> feed) {
  auto own = std::make_unique<std::shared_ptr<Feed>>(feed);
  const int error = start_thread(&thread_, thread_main, own.get());
  if (error != 0) return error;
  own.release();
  feed_ = std::move(feed);
  return 0;
}

void StdinFeeder::stop(Feed& feed, TimePoint deadline) {
  Supervised& child = *feed.child;
  Lock lock(child);
  while (!feed.is_over && child.sys().now() < deadline) child.changes().wait(lock, deadline);
  if (!feed.is_over) child.close_stdin(lock);
  const TimePoint give_up = deadline_after(child.sys().now(), kPatience);
  while (!feed.is_over && child.sys().now() < give_up) child.changes().wait(lock, give_up);
  feed.report.abandoned = !feed.is_over;
  const bool is_over = feed.is_over;
  lock.unlock();
  is_over ? pthread_join(thread_, nullptr) : pthread_detach(thread_);
}

FeedReport StdinFeeder::finish(TimePoint deadline) {
  const std::shared_ptr<Feed> feed = std::exchange(feed_, nullptr);
  if (feed == nullptr) return {};
  stop(*feed, deadline);
  const Lock lock(*feed->child);
  return feed->report;
}

StdinFeeder::~StdinFeeder() {
  if (feed_ != nullptr) stop(*feed_, TimePoint::min());
}

}  // namespace warden::internal

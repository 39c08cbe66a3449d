#include "lib/tool/pass_through.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "lib/os/pipe.h"
#include "lib/os/sys.h"
#include "lib/output/pipe_holders.h"
#include "lib/tool/ready_line.h"
#include "lib/tool/stream_target.h"

namespace warden::tool {
namespace {

struct Ends {
  UniqueFd target, wake;
  internal::Pipe pipe;
};

// 0, or an errno.
int open_ends(int fd, Ends* ends) {
  ends->target = open_target(fd);  // before a pipe can take the number of one that is closed
  if (ends->target.get() < 0) return errno;
  ends->wake = raise_above_stdio(UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  return ends->wake.get() < 0 ? errno : make_pipe(&ends->pipe);
}

ino_t inode_of(const UniqueFd& fd) {
  struct stat info = {};
  return ::fstat(fd.get(), &info) == 0 ? info.st_ino : 0;
}

StreamPump::Clock::time_point now_plus(absl::Duration time) {
  return StreamPump::Clock::now() + absl::ToChronoNanoseconds(std::min(time, absl::Hours(24 * 365)));
}

}  // namespace

class PassThrough::Stream {
 public:
  Stream(Ends ends, const PassThroughOptions& options)
      : ready_line_(options.ready_line.empty() ? nullptr : std::make_unique<ReadyLine>(options.ready_line)),
        tail_(options.tail == 0 ? nullptr : std::make_unique<StreamTail>(options.tail, options.capture_limit)),
        inode_(inode_of(ends.pipe.read_end)),
        sink_(std::move(ends.pipe.write_end)),
        pump_(std::move(ends.pipe.read_end), std::move(ends.target), std::move(ends.wake),
              [this](std::string_view bytes) { observe(bytes); }) {}

  const UniqueFd& sink() const { return sink_; }
  void close_sink() { sink_.reset(); }
  bool is_ready() const { return ready_line_ != nullptr && ready_line_->found(); }
  StreamPump& pump() { return pump_; }

  StreamOutput finish() {
    pump_.join();
    const StreamPump::Result& result = pump_.result();
    StreamOutput output;
    output.total_bytes = result.total_bytes;
    output.passed_bytes = result.passed_bytes;
    output.complete = result.complete;
    output.write_error = result.write_error;
    if (output.is_held()) output.held_by = internal::find_writers(internal::linux_sys(), inode_);
    if (tail_ != nullptr) output.tail = tail_->lines();
    return output;
  }

 private:
  void observe(std::string_view bytes) {
    if (ready_line_ != nullptr) ready_line_->add(bytes);
    if (tail_ != nullptr) tail_->add(bytes);
  }

  std::unique_ptr<ReadyLine> ready_line_;
  std::unique_ptr<StreamTail> tail_;
  ino_t inode_;
  UniqueFd sink_;
  StreamPump pump_;  // the last: its thread uses the others
};

std::unique_ptr<PassThrough> PassThrough::open(const PassThroughOptions& options) {
  Ends out, err;
  int error = open_ends(STDOUT_FILENO, &out);
  if (error == 0) error = open_ends(STDERR_FILENO, &err);
  if (error != 0) {
    std::fprintf(stderr, "warden: cannot make the pipes of the program's streams: %s\n", ::strerror(error));
    return nullptr;
  }
  return std::unique_ptr<PassThrough>(new PassThrough(std::make_unique<Stream>(std::move(out), options),
                                                      std::make_unique<Stream>(std::move(err), options)));
}

PassThrough::PassThrough(std::unique_ptr<Stream> out, std::unique_ptr<Stream> err)
    : out_(std::move(out)), err_(std::move(err)) {}

PassThrough::~PassThrough() = default;

void PassThrough::direct_to_it(Command* command) const {
  command->stdout_to(Stdio::fd(out_->sink().get())).stderr_to(Stdio::fd(err_->sink().get()));
}

void PassThrough::close_write_ends() {
  out_->close_sink();
  err_->close_sink();
}

bool PassThrough::is_ready() const { return out_->is_ready() || err_->is_ready(); }

void PassThrough::give_up_after(absl::Duration time) {
  const auto deadline = now_plus(time);
  out_->pump().give_up_at(deadline);
  err_->pump().give_up_at(deadline);
}

RunOutput PassThrough::finish(absl::Duration time) {
  const auto deadline = now_plus(time);
  out_->pump().expect_end_by(deadline);
  err_->pump().expect_end_by(deadline);
  return {out_->finish(), err_->finish()};
}

}  // namespace warden::tool

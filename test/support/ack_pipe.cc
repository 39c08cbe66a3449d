#include "test/support/ack_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>

#include "gtest/gtest.h"

namespace warden::test_support {
namespace {

constexpr std::chrono::seconds kBound(60);  // far more than any machine needs

int raise(int fd) {
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
  ::close(fd);
  return high;
}

}  // namespace

AckPipe::AckPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "pipe2 failed with errno " << errno;
    return;
  }
  read_fd_ = raise(ends[0]);
  write_fd_ = raise(ends[1]);
}

AckPipe::~AckPipe() {
  close_write();
  ::close(read_fd_);
}

std::string AckPipe::flag() const { return "--ack=" + std::to_string(write_fd_); }

void AckPipe::close_write() {
  if (write_fd_ >= 0) ::close(write_fd_);
  write_fd_ = -1;
}

bool AckPipe::fill() {
  const auto deadline = std::chrono::steady_clock::now() + kBound;
  pollfd polled = {read_fd_, POLLIN, 0};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = left.count() > 0 ? ::poll(&polled, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    char text[4096];
    const ssize_t count = ::read(read_fd_, text, sizeof text);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    buffer_.append(text, static_cast<size_t>(count));
    return true;
  }
  timed_out_ = true;
  ADD_FAILURE() << "nothing on the ack pipe for 60 s; unfinished line: '" << buffer_ << "'";
  return false;
}

std::string AckPipe::wait_line() {
  size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (!fill()) return timed_out_ ? "(timeout)" : "";
  }
  const std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

bool AckPipe::wait_for(const std::string& line) {
  std::string seen;
  for (;;) {
    const std::string next = wait_line();
    if (next == line) return true;
    if (next.empty() || timed_out_) break;
    seen += "\n  " + next;
  }
  ADD_FAILURE() << "no line '" << line << "' on the ack pipe; there were:" << seen;
  return false;
}

bool AckPipe::wait_eof() {
  EXPECT_LT(write_fd_, 0) << "close_write() comes first";
  while (fill()) {
  }
  return !timed_out_;
}

std::map<std::string, std::string> AckPipe::read_report() {
  std::map<std::string, std::string> report;
  for (;;) {
    const std::string line = wait_line();
    if (line == "end") return report;
    const size_t equals = line.find('=');
    if (equals == std::string::npos) {
      ADD_FAILURE() << "the report ended early, at '" << line << "'";
      return report;
    }
    report[line.substr(0, equals)] = line.substr(equals + 1);
  }
}

}  // namespace warden::test_support

#include "test/tool/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "gtest/gtest.h"

namespace warden::test_support {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBound(60);  // far more than any machine needs

// False after the deadline.
bool poll_until(std::vector<pollfd>* polled, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    const int ready = ::poll(polled->data(), polled->size(), static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

LineReader::~LineReader() { ::close(fd_); }

void LineReader::read_once() {
  char bytes[16384];
  const ssize_t count = ::read(fd_, bytes, sizeof bytes);
  if (count < 0 && errno == EINTR) return;
  // Reading the master of a terminal that no process has open fails with EIO.
  if (count <= 0) {
    at_end_ = true;
  } else {
    text_.append(bytes, static_cast<std::size_t>(count));
  }
}

LineReader::Filled LineReader::fill() {
  if (at_end_) return Filled::kEnd;
  std::vector<pollfd> polled = {{fd_, POLLIN, 0}};
  if (!poll_until(&polled, Clock::now() + kBound)) {
    ADD_FAILURE() << "nothing came for 60 s, after: '" << text_ << "'";
    return Filled::kTimeout;
  }
  read_once();
  return at_end_ ? Filled::kEnd : Filled::kMore;
}

std::string LineReader::wait_line() {
  std::size_t newline = 0;
  while ((newline = text_.find('\n', next_line_)) == std::string::npos) {
    const Filled filled = fill();
    if (filled == Filled::kTimeout) return "(timeout)";
    if (filled == Filled::kEnd) return "";
  }
  const std::string line = text_.substr(next_line_, newline - next_line_);
  next_line_ = newline + 1;
  return line;
}

bool LineReader::wait_for(const std::string& line) {
  for (;;) {
    const std::string next = wait_line();
    if (next == line) return true;
    if (!next.empty() && next != "(timeout)") continue;
    ADD_FAILURE() << "no line '" << line << "' in: '" << text_ << "'";
    return false;
  }
}

bool read_to_end(const std::vector<LineReader*>& readers) {
  const auto deadline = Clock::now() + kBound;
  for (;;) {
    std::vector<LineReader*> open;
    std::copy_if(readers.begin(), readers.end(), std::back_inserter(open),
                 [](const LineReader* reader) { return !reader->at_end_; });
    if (open.empty()) return true;
    std::vector<pollfd> polled;
    for (const LineReader* reader : open) polled.push_back({reader->fd_, POLLIN, 0});
    if (!poll_until(&polled, deadline)) {
      ADD_FAILURE() << "somebody still holds a stream after 60 s; it had: '" << open[0]->text_ << "'";
      return false;
    }
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (polled[i].revents != 0) open[i]->read_once();
    }
  }
}

}  // namespace warden::test_support

#include "test/support/output_helpers.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"

namespace warden::test_support {
namespace {

constexpr std::chrono::seconds kPatience(60);

}  // namespace

Command captured_shell(const std::string& script) {
  Command command("/bin/sh");
  command.args({"-c", script}).stdout_to(Stdio::capture()).stderr_to(Stdio::capture());
  return command;
}

Command captured_command(const std::vector<std::string>& mode) {
  return test_command(mode).stdout_to(Stdio::capture());
}

CaptureOptions keep_first(std::uint64_t limit) {
  CaptureOptions options;
  options.limit = limit;
  return options;
}

CaptureOptions keep_last(std::uint64_t limit) {
  CaptureOptions options = keep_first(limit);
  options.keep = CaptureOptions::Keep::kLast;
  return options;
}

Output finished_output(Child& child, OutputStream stream) {
  EXPECT_TRUE(child.wait().has_value());
  const DrainResult drained = child.drain_output(kBound).value();
  EXPECT_TRUE(drained.complete()) << drained;
  return child.output(stream).value();
}

void send_line(Child& child, const std::string& line) {
  const std::string whole = line + "\n";
  EXPECT_EQ(::write(child.stdin_fd(), whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
}

void write_to_stdout_of(int pid, const std::string& text) {
  const int fd = ::open(("/proc/" + std::to_string(pid) + "/fd/1").c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(fd);
}

LineCallback LineBox::callback() {
  return [this](const Line& line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back(std::string(line.text) + (line.truncated ? "..." : "") + (line.unfinished ? "?" : ""));
    thread_ = std::this_thread::get_id();
    added_.notify_all();
  };
}

std::vector<std::string> LineBox::wait_for(std::size_t count) {
  std::unique_lock<std::mutex> lock(mutex_);
  EXPECT_TRUE(added_.wait_for(lock, kPatience, [&] { return lines_.size() >= count; })) << lines_.size() << " lines";
  return lines_;
}

std::vector<std::string> LineBox::lines() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lines_;
}

std::thread::id LineBox::thread() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return thread_;
}

void Gate::open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_open_ = true;
  opened_.notify_all();
}

void Gate::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  EXPECT_TRUE(opened_.wait_for(lock, kPatience, [&] { return is_open_; }));
}

bool Gate::is_open() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return is_open_;
}

}  // namespace warden::test_support

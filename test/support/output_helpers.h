// Short ways to look at what a child writes.
#ifndef WARDEN_TEST_SUPPORT_OUTPUT_HELPERS_H_
#define WARDEN_TEST_SUPPORT_OUTPUT_HELPERS_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "warden/warden.h"

namespace warden::test_support {

// A shell that runs the script, with stdout and stderr captured.
Command captured_shell(const std::string& script);

// test_child in a mode, its stdout captured.
Command captured_command(const std::vector<std::string>& mode);

CaptureOptions keep_first(std::uint64_t limit);
CaptureOptions keep_last(std::uint64_t limit);

// Waits for the child's end and for that of its output; what it has written.
Output finished_output(Child& child, OutputStream stream = OutputStream::kStdout);

// Lets a shell go on that reads a line from its stdin, a pipe.
void send_line(Child& child, const std::string& line = "");

// Takes lines from callbacks, for another thread.
class LineBox {
 public:
  // Adds each line. The box must outlive the child.
  LineCallback callback();

  // Waits until there are so many; all of them. Fails the test after a minute.
  std::vector<std::string> wait_for(std::size_t count);
  std::vector<std::string> lines() const;
  // On which the last line came.
  std::thread::id thread() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable added_;
  std::vector<std::string> lines_;  // "..." after one that was truncated
  std::thread::id thread_;
};

// Something that happens once, and whoever waits for it.
class Gate {
 public:
  void open();
  // Fails the test after a minute.
  void wait();
  bool is_open() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_OUTPUT_HELPERS_H_

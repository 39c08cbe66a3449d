// Short ways to look at a child's output.
#ifndef WARDEN_TEST_SUPPORT_OUTPUT_HELPERS_H_
#define WARDEN_TEST_SUPPORT_OUTPUT_HELPERS_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "warden/warden.h"

namespace warden::test_support {

// Returns a shell that runs the script, with stdout and stderr captured.
Command captured_shell(const std::string& script);

// Returns test_child in a mode, with stdout captured.
Command captured_command(const std::vector<std::string>& mode);

CaptureOptions keep_first(std::uint64_t limit);
CaptureOptions keep_last(std::uint64_t limit);

// Waits for the end of the child and of its output; returns the output.
Output finished_output(Child& child, OutputStream stream = OutputStream::kStdout);

// Writes a line to the child's stdin, a pipe; a shell that reads it goes on.
void send_line(Child& child, const std::string& line = "");

// Writes to the stdout of that process.
void write_to_stdout_of(int pid, const std::string& text);

// Collects the lines of callbacks for another thread.
class LineBox {
 public:
  // A callback that adds each line. The box must outlive the child.
  LineCallback callback();

  // Waits until there are that many lines; returns all of them. Fails the test after a minute.
  std::vector<std::string> wait_for(std::size_t count);
  std::vector<std::string> lines() const;
  // The thread that delivered the last line.
  std::thread::id thread() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable added_;
  std::vector<std::string> lines_;  // "..." after one that was truncated, "?" after an unfinished one
  std::thread::id thread_;
};

// An event that happens once, and for which threads wait.
class Gate {
 public:
  void open();
  // Waits until the gate is open; fails the test after a minute.
  void wait();
  bool is_open() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_OUTPUT_HELPERS_H_

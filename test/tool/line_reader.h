// Reads lines, and then the end, of what processes write to a pipe or a terminal.
#ifndef WARDEN_TEST_TOOL_LINE_READER_H_
#define WARDEN_TEST_TOOL_LINE_READER_H_

#include <string>
#include <vector>

namespace warden::test_support {

// Owns the descriptor. Keeps everything that was read. Not for use by two threads at once.
class LineReader {
 public:
  explicit LineReader(int fd) : fd_(fd) {}
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  int fd() const { return fd_; }

  // Returns the next line, without its newline; empty at the end. After 60 s without a line the test fails and it
  // returns "(timeout)".
  std::string wait_line();
  // Reads up to and with the line; false, with a failed test, when the end comes first or after 60
  // s.
  bool wait_for(const std::string& line);

  // Everything that was read, including lines that no call has returned.
  const std::string& text() const { return text_; }

 private:
  friend bool read_to_end(const std::vector<LineReader*>& readers);

  enum class Filled { kMore, kEnd, kTimeout };
  Filled fill();
  // After poll(2): reads once, and notes the end.
  void read_once();

  int fd_;
  bool at_end_ = false;
  std::string text_;
  std::size_t next_line_ = 0;
};

// Reads all of them until each has ended; false, with a failed test, after 60 s.
bool read_to_end(const std::vector<LineReader*>& readers);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_TOOL_LINE_READER_H_

// The last lines of a stream, from a bounded number of its last bytes.
#ifndef WARDEN_LIB_TOOL_STREAM_TAIL_H_
#define WARDEN_LIB_TOOL_STREAM_TAIL_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace warden::tool {

struct TailLines {
  std::vector<std::string> lines;  // without their newlines; an unterminated last one is a line
  bool truncated = false;          // the limit has lost some of the lines asked for, or a part
  bool first_line_cut = false;     // and the first of them lacks its beginning
};

// Keeps twice the limit at most. Thread-compatible.
class StreamTail {
 public:
  // REQUIRES: both are at least 1.
  StreamTail(std::size_t lines, std::size_t limit) : lines_(lines), limit_(limit) {}

  void add(std::string_view bytes);
  TailLines lines() const;

 private:
  std::size_t lines_, limit_;
  std::string kept_;  // with one byte before the last limit_ bytes, where there was one
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_STREAM_TAIL_H_

// Finds the lines in a stream of bytes, wherever that is cut into pieces.
#ifndef WARDEN_LIB_OUTPUT_LINE_SPLITTER_H_
#define WARDEN_LIB_OUTPUT_LINE_SPLITTER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "warden/output_line.h"

namespace warden::internal {

// Needs memory for one line at most, and none for lines that lie within one piece.
//
// Example:
//   Line line;
//   while (splitter.next(&piece, &line)) use(line);
class LineSplitter {
 public:
  // REQUIRES: max_line_length > 0.
  explicit LineSplitter(std::size_t max_line_length) : max_(max_line_length) {}

  // Takes bytes from the front of the piece up to the end of a line. False when it has taken them all and no line has
  // ended: call it again with the piece that follows. A line that is too long is handed out as soon as that is known,
  // and its rest is dropped. The line is valid until the next call, and as long as the piece.
  bool next(std::string_view* piece, Line* line);

  // Shows what there is of a line that has not ended, as unfinished; false when there is none. It goes on growing.
  bool peek(Line* line);

  // Hands out what there is of a last line, once the stream has ended; false when there is none. Bytes that come all
  // the same begin a line.
  bool finish(Line* line);

  // Bytes are missing between the last piece and the next. Hands out what there is of a line as truncated; false when
  // there is none. Drops what comes up to the next newline as the rest of an unknown line, unless `at_line_start`.
  bool cut(bool at_line_start, Line* line);

 private:
  void take(std::string_view end, Line* line);
  void clear_taken();

  const std::size_t max_;
  std::string partial_;       // of the line that has not ended
  bool has_taken_ = false;    // partial_ is the line that was handed out last
  bool is_skipping_ = false;  // to the next newline
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_LINE_SPLITTER_H_

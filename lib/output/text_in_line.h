// Looks for a text in lines that may still grow.
#ifndef WARDEN_LIB_OUTPUT_TEXT_IN_LINE_H_
#define WARDEN_LIB_OUTPUT_TEXT_IN_LINE_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "warden/output_line.h"

namespace warden::internal {

// For the taker of a subscription with LineWish::kGrowing: does not look again at what it has seen of a line that has
// grown, so that a line which comes byte by byte costs no more than one that comes at once.
class TextInLine {
 public:
  explicit TextInLine(std::string text) : text_(std::move(text)) {}

  // Whether the line contains the text. A line after an unfinished one is the same line.
  bool is_in(const Line& line) {
    const std::size_t begin = std::exchange(next_, 0);
    const std::size_t size = line.text.size();
    if (line.unfinished && size >= text_.size()) next_ = size - text_.size() + 1;
    return line.text.find(text_, std::min(begin, size)) != std::string_view::npos;
  }

 private:
  const std::string text_;
  std::size_t next_ = 0;  // before it the unfinished line has no text that begins
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_TEXT_IN_LINE_H_

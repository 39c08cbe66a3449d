// Looks for the text by which the program says that it is ready.
#ifndef WARDEN_LIB_TOOL_READY_LINE_H_
#define WARDEN_LIB_TOOL_READY_LINE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/output/line_subscription.h"
#include "lib/output/text_in_line.h"

namespace warden::tool {

// Searches one stream as Child::wait_for_text does: a line that contains the text, finished or not. Keeps the line that
// is not finished.
class ReadyLine {
 public:
  // Beyond this and the length of the text, what a line contains is not looked at.
  static constexpr std::size_t kLongest = 1024 * 1024;

  // REQUIRES: the text is not empty.
  explicit ReadyLine(const std::string& text)
      : search_(text),
        lines_(
            kLongest + text.size(), [this](const Line& line) { return !search_.is_in(line); },
            internal::LineWish::kGrowing) {}

  void add(std::string_view bytes) {
    lines_.take(bytes);
    lines_.take_pause();
  }

  // Thread-safe, unlike add().
  bool found() const { return lines_.is_stopped(); }

 private:
  internal::TextInLine search_;
  internal::LineSubscription lines_;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_READY_LINE_H_

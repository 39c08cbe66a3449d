// Looks for the text that says that the program is ready.
#ifndef WARDEN_LIB_TOOL_READY_LINE_H_
#define WARDEN_LIB_TOOL_READY_LINE_H_

#include <atomic>
#include <string>
#include <string_view>

namespace warden::tool {

// One stream. A text without a newline cannot go over the end of a line: a line that contains it has come as soon as
// the text has, whether the line is complete or not.
class ReadyLine {
 public:
  // REQUIRES: the text is not empty.
  explicit ReadyLine(std::string text) : text_(std::move(text)) {}

  void add(std::string_view bytes) {
    if (found_) return;
    last_.append(bytes);
    if (last_.find(text_) != std::string::npos) {
      found_ = true;
      last_ = std::string();
    } else if (last_.size() >= text_.size()) {
      last_.erase(0, last_.size() - (text_.size() - 1));
    }
  }

  // Thread-safe, unlike add().
  bool found() const { return found_; }

 private:
  std::string text_;
  std::string last_;  // what may be the beginning of the text
  std::atomic<bool> found_{false};
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_READY_LINE_H_

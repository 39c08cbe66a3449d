// Looks for the text by which the program says that it is ready.
#ifndef WARDEN_LIB_TOOL_READY_LINE_H_
#define WARDEN_LIB_TOOL_READY_LINE_H_

#include <atomic>
#include <string>
#include <string_view>

namespace warden::tool {

// Searches one stream. A text without a newline lies within one line: so it is found as soon as its last byte has come,
// whether its line is complete or not.
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
  std::string last_;  // the last bytes, which may begin the text
  std::atomic<bool> found_{false};
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_READY_LINE_H_

#include "lib/output/line_splitter.h"

namespace warden::internal {

void LineSplitter::clear_taken() {
  if (has_taken_) partial_.clear();
  has_taken_ = false;
}

// Hands out the line so far, with this as its end.
void LineSplitter::take(std::string_view end, Line* line) {
  line->text = end;
  if (partial_.empty()) return;
  partial_.append(end);
  has_taken_ = true;
  line->text = partial_;
}

bool LineSplitter::next(std::string_view* piece, Line* line) {
  clear_taken();
  *line = {};
  while (!piece->empty()) {
    const std::size_t newline = piece->find('\n');
    const bool has_ended = newline != std::string_view::npos;
    const std::string_view content = piece->substr(0, has_ended ? newline : piece->size());
    const std::size_t room = max_ - partial_.size();
    if (!is_skipping_ && content.size() > room) {
      piece->remove_prefix(room);
      is_skipping_ = line->truncated = true;
      take(content.substr(0, room), line);
      return true;
    }
    piece->remove_prefix(content.size() + (has_ended ? 1 : 0));
    if (is_skipping_) {
      is_skipping_ = !has_ended;
    } else if (has_ended) {
      take(content, line);
      return true;
    } else {
      partial_.append(content);
    }
  }
  return false;
}

bool LineSplitter::peek(Line* line) {
  clear_taken();
  *line = {};
  line->text = partial_;
  line->unfinished = true;
  return !partial_.empty();
}

bool LineSplitter::finish(Line* line) {
  clear_taken();
  *line = {};
  if (partial_.empty()) return false;
  take({}, line);
  return true;
}

bool LineSplitter::cut(bool at_line_start, Line* line) {
  const bool has_line = finish(line);
  line->truncated = has_line;
  is_skipping_ = !at_line_start;
  return has_line;
}

}  // namespace warden::internal

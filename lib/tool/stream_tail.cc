#include "lib/tool/stream_tail.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "lib/output/last_lines.h"

namespace warden::tool {

void StreamTail::add(std::string_view bytes) {
  const std::size_t needed = limit_ + 1;
  if (bytes.size() >= needed) {
    kept_.assign(bytes.substr(bytes.size() - needed));
    return;
  }
  if (kept_.size() + bytes.size() > 2 * needed) kept_.erase(0, kept_.size() - std::min(kept_.size(), needed));
  kept_.append(bytes);
}

TailLines StreamTail::lines() const {
  TailLines tail;
  if (kept_.empty()) return tail;
  const std::size_t lost = kept_.size() - std::min(kept_.size(), limit_);
  std::string text = kept_.substr(lost);
  if (text.back() == '\n') text.pop_back();
  const std::size_t begin = internal::begin_of_lines(text, lines_);
  tail.lines = absl::StrSplit(text.substr(begin), '\n');
  tail.first_line_cut = begin == 0 && lost > 0 && kept_[lost - 1] != '\n';
  tail.truncated = tail.first_line_cut || (lost > 0 && tail.lines.size() < lines_);
  return tail;
}

}  // namespace warden::tool

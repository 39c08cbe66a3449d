#include "lib/tool/stream_tail.h"

#include <algorithm>

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
  std::string_view left = kept_;
  const bool lost_some = left.size() > limit_;
  const bool begins_inside_a_line = lost_some && left[left.size() - limit_ - 1] != '\n';
  if (lost_some) left.remove_prefix(left.size() - limit_);
  TailLines tail;
  if (!left.empty() && left.back() == '\n') left.remove_suffix(1);
  bool at_beginning = kept_.empty();
  while (!at_beginning && tail.lines.size() < lines_) {
    const std::size_t newline = left.rfind('\n');
    at_beginning = newline == std::string_view::npos;
    tail.lines.emplace_back(left.substr(at_beginning ? 0 : newline + 1));
    if (!at_beginning) left = left.substr(0, newline);
  }
  std::reverse(tail.lines.begin(), tail.lines.end());
  tail.first_line_cut = begins_inside_a_line && at_beginning;
  tail.truncated = tail.first_line_cut || (lost_some && tail.lines.size() < lines_);
  return tail;
}

}  // namespace warden::tool

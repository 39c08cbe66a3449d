#include "lib/output/last_lines.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "lib/base/printable.h"

namespace warden::internal {
namespace {

// The last bytes, from the chunks.
std::string last_bytes(const Output& output, std::size_t most) {
  const std::vector<std::string_view> chunks = output.chunks();
  std::size_t size = 0;
  auto first = chunks.end();
  while (first != chunks.begin() && size < most) size += (--first)->size();
  std::string bytes;
  bytes.reserve(size);
  for (; first != chunks.end(); ++first) bytes += *first;
  return bytes.substr(bytes.size() - std::min(bytes.size(), most));
}

// The last bytes that came, kept or lost.
std::string last_that_came(const Output& output, std::size_t most) {
  const std::string& tail = output.tail();
  const bool continues_what_is_kept = output.total_bytes() - output.size() == tail.size();
  if (!continues_what_is_kept) return tail.empty() ? last_bytes(output, most) : tail;
  return last_bytes(output, most - std::min(most, tail.size())) + tail;
}

}  // namespace

std::size_t begin_of_lines(const std::string& text, std::size_t most) {
  std::size_t begin = text.size();
  for (std::size_t lines = 0; lines < most; ++lines) {
    const std::size_t newline = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
    if (newline == std::string::npos) return 0;
    begin = newline;
  }
  return begin + 1;
}

std::string last_lines(const Output& output, std::size_t most_lines, std::size_t most_bytes) {
  std::string text = last_that_came(output, most_bytes + 1);  // one more, for the last newline
  const bool is_all = output.total_bytes() == text.size();
  if (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size() - std::min(text.size(), most_bytes);
  for (int i = 0; (begin > 0 || !is_all) && i < 3 && begin < text.size() && continues_character(text[begin]); ++i)
    ++begin;
  text.erase(0, begin);
  const std::size_t first_line = begin_of_lines(text, most_lines);
  text.erase(0, first_line);
  text = printable_lines(text);
  return begin + first_line > 0 || !is_all ? "...\n" + text : text;
}

}  // namespace warden::internal

#include "lib/internal/last_lines.h"

#include <algorithm>
#include <string_view>
#include <vector>

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

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Where the last so many lines begin.
std::size_t begin_of_lines(const std::string& text, std::size_t most) {
  std::size_t begin = text.size();
  for (std::size_t lines = 0; lines < most; ++lines) {
    const std::size_t newline = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
    if (newline == std::string::npos) return 0;
    begin = newline;
  }
  return begin + 1;
}

char printable(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return (code < 0x20 && byte != '\n' && byte != '\t') || code == 0x7F ? '?' : byte;
}

}  // namespace

std::string last_lines(const Output& output, std::size_t most_lines, std::size_t most_bytes) {
  std::string text = last_bytes(output, most_bytes + 1);  // and the last newline
  if (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size() - std::min(text.size(), most_bytes);
  for (int i = 0; begin > 0 && i < 3 && begin < text.size() && continues_character(text[begin]); ++i) ++begin;
  text.erase(0, begin);
  const std::size_t first_line = begin_of_lines(text, most_lines);
  text.erase(0, first_line);
  std::transform(text.begin(), text.end(), text.begin(), printable);
  return begin + first_line > 0 || output.size() > most_bytes + 1 ? "...\n" + text : text;
}

}  // namespace warden::internal

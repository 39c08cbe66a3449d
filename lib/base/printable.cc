#include "lib/base/printable.h"

#include <cstddef>

namespace warden::internal {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool continues(std::string_view text, std::size_t i) { return i < text.size() && (byte_at(text, i) & 0xc0) == 0x80; }

// The length of the UTF-8 sequence (RFC 3629) that begins there; 0 where there is none that may be shown.
std::size_t shown_length(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  if (!continues(text, at + 1)) return 0;
  const unsigned char second = byte_at(text, at + 1);
  if (first == 0xc2) return second >= 0xa0 ? 2 : 0;  // below: C1
  if (first >= 0xc3 && first <= 0xdf) return 2;
  if (first < 0xe0 || !continues(text, at + 2)) return 0;
  if (first <= 0xef) {
    const bool is_overlong = first == 0xe0 && second < 0xa0;
    const bool is_surrogate = first == 0xed && second >= 0xa0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (first > 0xf4 || !continues(text, at + 3)) return 0;
  const bool is_overlong = first == 0xf0 && second < 0x90;
  const bool is_too_high = first == 0xf4 && second >= 0x90;
  return is_overlong || is_too_high ? 0 : 4;
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = shown_length(text, at);
    if (length > 0) {
      shown.append(text.substr(at, length));
    } else {
      shown += {'\\', 'x', kDigits[byte_at(text, at) >> 4], kDigits[byte_at(text, at) & 0xf]};
    }
    at += length > 0 ? length : 1;
  }
  return shown;
}

}  // namespace warden::internal

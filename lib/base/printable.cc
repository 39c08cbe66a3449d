#include "lib/base/printable.h"

namespace warden::internal {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool continues(std::string_view text, std::size_t i) { return i < text.size() && continues_character(text[i]); }

bool is_control(std::string_view character) {
  const unsigned char first = byte_at(character, 0);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && byte_at(character, 1) < 0xa0);
}

// The length of the character that the text begins with; 0 where it has none that may be shown.
std::size_t shown_length(std::string_view text, std::string_view kept_controls) {
  const std::size_t length = character_length(text);
  if (length == 0) return 0;
  const std::string_view character = text.substr(0, length);
  if (is_control(character)) return kept_controls.find(character) == std::string_view::npos ? 0 : length;
  return character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf" ? 0 : length;
}

std::string shown(std::string_view text, std::string_view kept_controls) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = shown_length(text, kept_controls);
    if (length > 0) {
      shown.append(text.substr(0, length));
    } else {
      shown += {'\\', 'x', kDigits[byte_at(text, 0) >> 4], kDigits[byte_at(text, 0) & 0xf]};
    }
    text.remove_prefix(length > 0 ? length : 1);
  }
  return shown;
}

}  // namespace

std::size_t character_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = byte_at(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || !continues(text, 1)) return 0;
  if (first <= 0xdf) return 2;
  if (!continues(text, 2)) return 0;
  const unsigned char second = byte_at(text, 1);
  if (first <= 0xef) {
    const bool is_overlong = first == 0xe0 && second < 0xa0;
    const bool is_surrogate = first == 0xed && second >= 0xa0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (first > 0xf4 || !continues(text, 3)) return 0;
  const bool is_overlong = first == 0xf0 && second < 0x90;
  const bool is_too_high = first == 0xf4 && second >= 0x90;
  return is_overlong || is_too_high ? 0 : 4;
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = shown_length(text, "");
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) { return shown(text, ""); }

std::string printable_lines(std::string_view text) { return shown(text, "\t\n"); }

}  // namespace warden::internal

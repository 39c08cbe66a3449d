// Texts that a test sends through a pipe, and how test_child's digest mode confirms that it got them.
#ifndef WARDEN_TEST_SUPPORT_LARGE_TEXT_H_
#define WARDEN_TEST_SUPPORT_LARGE_TEXT_H_

#include <cstddef>
#include <string>

#include "test/support/digest.h"

namespace warden::test_support {

constexpr std::size_t kLargeText = 10 * 1024 * 1024;

// Returns a text with every byte value and without a period that divides a page.
inline std::string large_text(std::size_t size = kLargeText) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>((i * 7 + i / 251) % 256);
  return text;
}

// Returns bytes that show their position: a newline each hundred, and none at the end.
inline std::string text_in_lines(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = i % 100 == 99 ? '\n' : static_cast<char>('!' + i % 89);
  if (size > 0) text.back() = '$';
  return text;
}

// Returns the line that the child writes when it has read this text to its end.
inline std::string digest_line(const std::string& text) {
  Digest digest;
  digest.add(text.data(), text.size());
  return "digest " + std::to_string(text.size()) + " " + std::to_string(digest.value());
}

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_LARGE_TEXT_H_

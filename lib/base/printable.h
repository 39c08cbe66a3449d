// Text that another program chose, made fit for our own texts: for logs, terminals and reports.
#ifndef WARDEN_LIB_BASE_PRINTABLE_H_
#define WARDEN_LIB_BASE_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace warden::internal {

// The length of the UTF-8 character (RFC 3629) that the text begins with; 0 where it begins with none.
std::size_t character_length(std::string_view text);

// Whether the byte is one of a UTF-8 character, and not its first.
constexpr bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// Whether printable() leaves the text as it is. Needs no memory.
bool is_printable(std::string_view text);

// The text with each control character (C0, DEL, and C1 as UTF-8 has it), each byte that is not UTF-8, and U+FFFE and
// U+FFFF, which XML cannot have, as "\xNN": so it can neither begin a line nor command a terminal. A backslash stays:
// the result is for people.
std::string printable(std::string_view text);

// The same for the text of several lines: its tabs and newlines stay. Where it stands among lines of ours, each of its
// lines needs a mark ("| "): as it is, it forges lines.
std::string printable_lines(std::string_view text);

}  // namespace warden::internal

#endif  // WARDEN_LIB_BASE_PRINTABLE_H_

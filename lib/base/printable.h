// Text that another program chose, made fit for a line of ours.
#ifndef WARDEN_LIB_BASE_PRINTABLE_H_
#define WARDEN_LIB_BASE_PRINTABLE_H_

#include <string>
#include <string_view>

namespace warden::internal {

// The text with each control character (C0, DEL, and C1 as UTF-8 has it) and each byte that is not UTF-8 as "\xNN", so
// that it can neither begin a line nor command a terminal. A backslash stays: the result is for people.
std::string printable(std::string_view text);

}  // namespace warden::internal

#endif  // WARDEN_LIB_BASE_PRINTABLE_H_

// The end of what a child has written, for an error's text.
#ifndef WARDEN_LIB_OUTPUT_LAST_LINES_H_
#define WARDEN_LIB_OUTPUT_LAST_LINES_H_

#include <cstddef>
#include <string>

#include "warden/output.h"

namespace warden::internal {

// At most so many lines and bytes of the output, without the last newline, and below a line "..." where more came
// before them; printable_lines() of that.
std::string last_lines(const Output& output, std::size_t most_lines, std::size_t most_bytes);

// Where the last `most` lines begin in a text whose last newline, if any, has been taken off.
std::size_t begin_of_lines(const std::string& text, std::size_t most);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_LAST_LINES_H_

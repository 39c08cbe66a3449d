#include <string_view>

namespace mine {

std::string_view googletest() { return "my own GoogleTest"; }

}  // namespace mine

#include <string_view>

namespace mine {

std::string_view process() { return "my own Boost.Process"; }

}  // namespace mine

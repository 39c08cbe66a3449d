#include <string_view>

namespace mine {

std::string_view outcome() { return "my own Boost.Outcome"; }

}  // namespace mine

#include <string_view>

namespace mine {

std::string_view abseil() { return "my own Abseil"; }

}  // namespace mine

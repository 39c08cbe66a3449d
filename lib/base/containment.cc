#include "warden/containment.h"

#include <ostream>

namespace warden {

std::string_view to_string(Containment containment) {
  switch (containment) {
    case Containment::kGroup:
      return "group";
    case Containment::kTree:
      return "tree";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Containment containment) { return out << to_string(containment); }

}  // namespace warden

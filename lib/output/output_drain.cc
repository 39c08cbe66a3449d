#include "warden/output_drain.h"

#include <algorithm>
#include <ostream>

#include "lib/base/printable.h"

namespace warden {

bool DrainResult::complete() const {
  return std::all_of(streams.begin(), streams.end(), [](const StreamDrain& stream) { return stream.complete; });
}

std::ostream& operator<<(std::ostream& out, const PipeHolder& holder) {
  return out << holder.pid << " (" << internal::printable(holder.program) << ')';
}

std::ostream& operator<<(std::ostream& out, const StreamDrain& drain) {
  out << drain.stream;
  if (drain.complete) return out << " complete";
  if (drain.read_error) return out << " could not be read: " << drain.read_error.message();
  out << " held by ";
  const char* separator = "";
  for (const PipeHolder& holder : drain.holders) {
    out << separator << holder;
    separator = ", ";
  }
  if (drain.all_holders_known && !drain.holders.empty()) return out;
  return out << (drain.holders.empty() ? "processes that cannot be seen" : " and maybe others");
}

std::ostream& operator<<(std::ostream& out, const DrainResult& result) {
  const char* separator = "";
  for (const StreamDrain& stream : result.streams) {
    out << separator << stream;
    separator = "; ";
  }
  return out;
}

}  // namespace warden

#include "lib/internal/drain_output.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lib/internal/pipe_holders.h"

namespace warden::internal {
namespace {

// True once the stream has ended and its lines have been handed out, false at the deadline.
bool wait_ended(Sys& sys, CapturedStream& stream, std::uint64_t request, TimePoint deadline) {
  CapturedStream::Lock lock(stream.mutex());
  while (!stream.is_caught_up(lock, request)) stream.wait_changed(sys, lock, TimePoint::max());
  while (!stream.has_ended(lock)) {
    if (sys.now() >= deadline) return false;
    stream.wait_changed(sys, lock, deadline);
  }
  return true;
}

StreamDrain describe(Sys& sys, CapturedStream& stream, bool has_ended) {
  StreamDrain drain;
  drain.stream = stream.stream();
  if (has_ended) {
    const CapturedStream::Lock lock(stream.mutex());
    drain.read_error = stream.read_error(lock);
    drain.complete = !drain.read_error;
    return drain;
  }
  PipeHolders found = find_writers(sys, stream.pipe_inode());
  drain.holders = std::move(found.holders);
  drain.all_holders_known = found.all_known;
  return drain;
}

}  // namespace

DrainResult drain_output(Sys& sys, OutputPump& pump, TimePoint deadline) {
  const std::vector<CapturedStream*> streams = pump.streams();
  std::vector<std::uint64_t> requests;
  for (CapturedStream* const stream : streams) requests.push_back(stream->request_catch_up());
  pump.wake();
  std::vector<bool> ended;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    ended.push_back(wait_ended(sys, *streams[i], requests[i], deadline));
  }
  DrainResult result;
  for (std::size_t i = 0; i < streams.size(); ++i) result.streams.push_back(describe(sys, *streams[i], ended[i]));
  return result;
}

}  // namespace warden::internal

#include "lib/output/drain_output.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lib/os/deadline.h"
#include "lib/output/pipe_holders.h"

namespace warden::internal {
namespace {

// True once the stream has ended and its lines have been handed out. False at the deadline; while the pump has not yet
// read what the request asks for, at `give_up`.
bool wait_ended(Sys& sys, CapturedStream& stream, std::uint64_t request, TimePoint deadline, TimePoint give_up) {
  CapturedStream::Lock lock(stream.mutex());
  for (;;) {
    const bool is_caught_up = stream.is_caught_up(lock, request);
    if (is_caught_up && stream.has_ended(lock)) return true;
    const TimePoint until = is_caught_up ? deadline : give_up;
    if (sys.now() >= until) return false;
    stream.wait_changed(sys, lock, until);
  }
}

// Names the holders only if the stream has not ended after /proc was read: the last one may close it meanwhile.
StreamDrain describe(Sys& sys, CapturedStream& stream, std::uint64_t request, bool has_ended) {
  StreamDrain drain;
  drain.stream = stream.stream();
  PipeHolders found;
  if (!has_ended) found = find_writers(sys, stream.pipe_inode());
  const CapturedStream::Lock lock(stream.mutex());
  if (stream.is_caught_up(lock, request) && stream.has_ended(lock)) {
    drain.read_error = stream.read_error(lock);
    drain.complete = !drain.read_error;
    return drain;
  }
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
  const TimePoint give_up = std::max(deadline, deadline_after(sys.now(), CapturedStream::kCatchUpPatience));
  std::vector<bool> ended;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    ended.push_back(wait_ended(sys, *streams[i], requests[i], deadline, give_up));
  }
  DrainResult result;
  for (std::size_t i = 0; i < streams.size(); ++i)
    result.streams.push_back(describe(sys, *streams[i], requests[i], ended[i]));
  return result;
}

}  // namespace warden::internal

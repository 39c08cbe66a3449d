#include "lib/output/drain_output.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lib/output/pipe_holders.h"
#include "lib/output/pump_patience.h"

namespace warden::internal {
namespace {

// Whether the stream has ended and its lines have been handed out.
bool is_done(CapturedStream& stream, const CapturedStream::Lock& lock, std::uint64_t request) {
  return stream.is_caught_up(lock, request) && stream.has_ended(lock);
}

// Waits until the stream is done, or as long as there is patience. Returns whether the pump has read what the request
// asks for.
bool wait_done(Sys& sys, CapturedStream& stream, std::uint64_t request, PumpPatience& patience) {
  CapturedStream::Lock lock(stream.mutex());
  for (;;) {
    const bool is_caught_up = stream.is_caught_up(lock, request);
    if (is_done(stream, lock, request) || sys.now() >= patience.until(is_caught_up)) return is_caught_up;
    stream.wait_changed(sys, lock, patience.next_look(is_caught_up));
  }
}

// One stream, and what the pump was asked for.
struct Draining {
  CapturedStream* stream = nullptr;
  std::uint64_t request = 0;
  bool is_caught_up = false;

  bool is_done() const {
    const CapturedStream::Lock lock(stream->mutex());
    return internal::is_done(*stream, lock, request);
  }
};

// Names the holders only if the stream has not ended after /proc was read: the last one may close it meanwhile.
StreamDrain describe(Sys& sys, const Draining& draining) {
  CapturedStream& stream = *draining.stream;
  StreamDrain drain;
  drain.stream = stream.stream();
  PipeHolders found;
  if (!draining.is_done()) found = find_writers(sys, stream.pipe_inode());
  const CapturedStream::Lock lock(stream.mutex());
  if (is_done(stream, lock, draining.request)) {
    drain.read_error = stream.read_error(lock);
    drain.complete = !drain.read_error;
    return drain;
  }
  drain.holders = std::move(found.holders);
  drain.all_holders_known = found.all_known;
  return drain;
}

// Does nothing where a callback does not return: it has been waited for already.
void hand_out_rests(Sys& sys, OutputPump& pump, std::vector<Draining>* all) {
  if (std::any_of(all->begin(), all->end(), [](const Draining& one) { return !one.is_caught_up; })) return;
  PumpPatience patience(sys, pump, TimePoint::min());
  for (Draining& one : *all) {
    if (one.is_done()) continue;
    one.request = one.stream->request_rest();
    pump.wake();
    wait_done(sys, *one.stream, one.request, patience);
  }
}

}  // namespace

DrainResult drain_output(Sys& sys, OutputPump& pump, TimePoint deadline, const std::function<bool()>& has_child_ended) {
  std::vector<Draining> all;
  for (CapturedStream* const stream : pump.streams()) all.push_back({stream, stream->request_catch_up()});
  pump.wake();
  PumpPatience patience(sys, pump, deadline);
  for (Draining& one : all) one.is_caught_up = wait_done(sys, *one.stream, one.request, patience);
  patience.lose_streams();
  if (has_child_ended != nullptr && has_child_ended()) hand_out_rests(sys, pump, &all);
  DrainResult result;
  for (const Draining& one : all) result.streams.push_back(describe(sys, one));
  return result;
}

}  // namespace warden::internal

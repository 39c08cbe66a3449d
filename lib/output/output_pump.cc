#include "lib/output/output_pump.h"

#include <errno.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "lib/os/thread.h"
#include "lib/output/capture_read_end.h"
#include "lib/output/wake_event.h"

namespace warden::internal {
namespace {

// For bytes that are not kept. One read empties a full pipe: each smaller one would cost the writer a turn.
constexpr std::size_t kScratch = CaptureReadEnd::kCapacity;

constexpr std::size_t kMostStreams = 2;

// How often the pump looks for requests where the host has closed the descriptor that would wake it.
constexpr int kPauseWithoutEvent = 20;  // ms

// How long stop() waits for the thread before it asks whether the host has closed the event since.
constexpr std::chrono::seconds kPatienceWithTheEnd(1);

}  // namespace

struct OutputPump::State {
  std::vector<std::unique_ptr<CapturedStream>> streams;
  std::unique_ptr<char[]> scratch;
  WakeEvent event;
  std::atomic<bool> is_stopping{false};
  std::atomic<pthread_t> thread{};  // set by itself
  std::atomic<bool> has_thread{false};
  std::atomic<bool> looks_often{false};  // the host has closed the event
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;  // under the mutex: the thread is about to end

  void run();
  void serve_all();
  void turn();
};

void OutputPump::State::serve_all() {
  for (const auto& stream : streams) stream->serve({scratch.get(), kScratch});
}

// Waits for something to do, and does it.
void OutputPump::State::turn() {
  pollfd polled[1 + kMostStreams] = {{event.fd(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
  if (polled[0].fd < 0) looks_often = true;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i]->end_if_lost();
    polled[1 + i].fd = streams[i]->fd();  // poll ignores a negative one
  }
  if (::poll(polled, 1 + streams.size(), looks_often ? kPauseWithoutEvent : -1) < 0) {
    // The host's limit of descriptors is below the number that we poll (EINVAL): look at all of them in turn.
    if (errno != EINVAL) return;
    ::poll(nullptr, 0, kPauseWithoutEvent);
    for (std::size_t i = 0; i < streams.size(); ++i) polled[1 + i].revents = POLLIN;
    polled[0].revents = POLLIN;
  }
  if (polled[0].revents != 0 || looks_often) {
    event.settle();
    serve_all();
  }
  for (std::size_t i = 0; i < streams.size() && !is_stopping; ++i) {
    if (polled[1 + i].revents != 0) streams[i]->read_some({scratch.get(), kScratch});
  }
}

void OutputPump::State::run() {
  thread = ::pthread_self();
  has_thread = true;
  event.claim();
  while (!is_stopping) turn();
  const std::lock_guard<std::mutex> lock(mutex);
  has_ended = true;
  ended.notify_all();
}

void* OutputPump::run_state(void* argument) {
  const std::unique_ptr<std::shared_ptr<State>> state(static_cast<std::shared_ptr<State>*>(argument));
  (*state)->run();
  return nullptr;
}

OutputPump::OutputPump() : state_(std::make_shared<State>()) {}

OutputPump::~OutputPump() { stop(); }

int OutputPump::add(OutputStream stream, const CaptureOptions& options, UniqueFd* write_end) {
  auto added = std::make_unique<CapturedStream>(stream, options);
  if (const int error = added->open(write_end)) return error;
  state_->streams.push_back(std::move(added));
  return 0;
}

int OutputPump::start() {
  if (const int error = state_->event.open()) return error;
  state_->scratch.reset(new char[kScratch]);
  auto argument = std::make_unique<std::shared_ptr<State>>(state_);
  const int error = start_thread(&thread_, run_state, argument.get(), ThreadStack::kDefault);
  if (error != 0) return error;
  argument.release();
  is_started_ = true;
  return 0;
}

CapturedStream* OutputPump::find(OutputStream stream) const {
  if (state_ == nullptr) return nullptr;
  for (const auto& known : state_->streams) {
    if (known->stream() == stream) return known.get();
  }
  return nullptr;
}

std::vector<CapturedStream*> OutputPump::streams() const {
  std::vector<CapturedStream*> all;
  for (const auto& stream : state_->streams) all.push_back(stream.get());
  return all;
}

void OutputPump::wake() { state_->event.wake(); }

bool OutputPump::can_be_woken() const { return state_->event.fd() >= 0 || state_->looks_often; }

void OutputPump::lose_streams() {
  for (const auto& stream : state_->streams) stream->lose();
}

bool OutputPump::is_this_thread() const {
  return state_ != nullptr && state_->has_thread && ::pthread_equal(state_->thread, ::pthread_self()) != 0;
}

void OutputPump::stop() {
  if (!std::exchange(is_started_, false)) return;
  const bool has_event = state_->event.fd() >= 0;  // before the thread may end, and its mark of the event with it
  state_->is_stopping = true;
  for (const auto& stream : state_->streams) stream->stop();
  state_->event.wake();
  if (is_this_thread()) {
    ::pthread_detach(thread_);
  } else if (has_event || state_->looks_often) {
    join_while_it_can_be_woken(has_event);
  } else {
    let_go();
  }
}

// The host may close the event before the thread has seen it.
void OutputPump::join_while_it_can_be_woken(bool has_event) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  while (!state_->ended.wait_for(lock, kPatienceWithTheEnd, [this] { return state_->has_ended; })) {
    if (can_be_woken()) continue;
    lock.unlock();
    return let_go();
  }
  lock.unlock();
  ::pthread_join(thread_, nullptr);
  if (has_event) state_->event.close_ended();
}

void OutputPump::let_go() {
  for (const auto& stream : state_->streams) stream->wait_idle();
  ::pthread_detach(thread_);
}

void OutputPump::disown() {
  for (const auto& stream : state_->streams) stream->close_copies();
  state_->event.close_ended();
  is_started_ = false;
  // Nothing of the state may be destroyed: a lock of it may have been held at the fork.
  new std::shared_ptr<State>(std::move(state_));
  state_ = nullptr;
}

}  // namespace warden::internal

// One captured stream: the bytes that are kept of it, and the subscriptions to its lines.
#ifndef WARDEN_LIB_OUTPUT_CAPTURED_STREAM_H_
#define WARDEN_LIB_OUTPUT_CAPTURED_STREAM_H_

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <system_error>

#include "lib/os/sys.h"
#include "lib/output/capture_read_end.h"
#include "lib/output/chunk_list.h"
#include "lib/output/line_subscription.h"
#include "lib/output/null_sink.h"
#include "warden/output.h"

namespace warden::internal {

// Has its own lock, under which it takes no other and calls no code of the program. One thread, the pump, reads the
// pipe and hands out the lines; all others look and wait.
//
// A subscription first gets the lines that were kept before it was attached. The pump hands out those and the new ones,
// and it alone adds to what is kept: so between the two no byte comes twice, and none is missing.
class CapturedStream {
 public:
  using Lock = std::unique_lock<std::mutex>;

  CapturedStream(OutputStream stream, const CaptureOptions& options)
      : stream_(stream), max_line_length_(options.max_line_length), kept_(options) {}

  // Makes the pipe. 0, or an errno.
  int open(UniqueFd* write_end);

  OutputStream stream() const { return stream_; }
  ino_t pipe_inode() const { return pipe_.inode(); }
  std::size_t max_line_length() const { return max_line_length_; }
  Output snapshot();
  std::mutex& mutex() { return mutex_; }

  // The caller wakes the pump after each of these.
  void attach(const std::shared_ptr<LineSubscription>& subscription);
  // Asks the pump to read and hand out everything that is in the pipe now. is_caught_up(the result) says when it has.
  std::uint64_t request_catch_up();
  // How long past its deadline a wait lets the pump catch up, to see what was printed before the deadline. Only a
  // callback that does not return takes so long.
  static constexpr absl::Duration kCatchUpPatience = absl::Seconds(3);

  // The same, and asks the pump to hand out then what there is of an unfinished line (LineSubscription::take_rest()):
  // to this subscription, or to all.
  std::uint64_t request_rest(LineSubscription& subscription);
  std::uint64_t request_rest();

  // Waits for a line that the subscription is just getting; after that it gets none. Under the lock, which the wait
  // releases.
  void detach(Sys& sys, Lock& lock, LineSubscription& subscription);

  // Under the lock:
  bool is_caught_up(const Lock&, std::uint64_t request) const { return caught_up_ >= request; }
  // The stream has ended, or cannot be read, and all its lines have been handed out.
  bool has_ended(const Lock&) const { return has_ended_; }
  // Why it cannot be read, or its lines cannot be handed out.
  std::error_code read_error(const Lock&) const;
  // Waits for a change of those or of a subscription, or for notify(); may wake without one. Releases the lock
  // meanwhile.
  void wait_changed(Sys& sys, Lock& lock, TimePoint deadline);
  void notify();

  // For the pump; `scratch` is for bytes that are not kept.
  struct Scratch {
    char* data;
    std::size_t size;
  };
  int fd() const { return pipe_.fd(); }
  // Reads what there is, up to a bound.
  void read_some(Scratch scratch);
  // Does what other threads have asked for since the last call.
  void serve(Scratch scratch);
  // Hands out no line from now on. For any thread.
  void stop();
  // After stop(): waits for the lines that are being handed out. For any thread but the pump.
  void wait_idle();
  // Nobody waits for the pump any more: the stream counts as ended, and its lines are lost. For any thread.
  void lose();
  // Ends the stream with EBADF if the host has closed its descriptor: what has the number now is never read.
  void end_if_lost();

  // In a forked copy: closes its copies of the descriptors. Takes no lock, which may have been held at the fork.
  void close_copies() {
    pipe_.close();
    sink_.close();
  }

 private:
  using Subscriptions = std::list<std::shared_ptr<LineSubscription>>;

  std::size_t skip_unwanted();
  std::size_t read_once(Scratch scratch, std::size_t* room);
  void add(std::string_view bytes, bool is_kept, std::size_t skipped);
  void read_pending(Scratch scratch);
  void end(int error);
  void replay(LineSubscription& subscription);
  void take_end(LineSubscription& taker);
  void hand_out_rest(LineSubscription& subscription, std::uint64_t request);
  void remove_finished(Subscriptions* finished);
  template <class HandOut>
  void give(LineSubscription& subscription, HandOut hand_out);

  const OutputStream stream_;
  const std::size_t max_line_length_;
  CaptureReadEnd pipe_;

  NullSink sink_;          // used by the pump alone; open where nothing is kept
  char last_byte_ = '\n';  // likewise

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiters_ = 0;
  ChunkList kept_;      // changed by the pump alone
  Subscriptions live_;  // likewise
  bool has_ended_ = false;
  bool is_stopped_ = false;
  bool is_lost_ = false;
  std::error_code read_error_;
  Subscriptions fresh_;  // attached, and not seen by the pump yet
  std::uint64_t catch_up_requests_ = 0;
  std::uint64_t caught_up_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_CAPTURED_STREAM_H_

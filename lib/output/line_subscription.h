// A subscription to the lines of a stream.
#ifndef WARDEN_LIB_OUTPUT_LINE_SUBSCRIPTION_H_
#define WARDEN_LIB_OUTPUT_LINE_SUBSCRIPTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "lib/output/line_splitter.h"

namespace warden::internal {

// Which lines a taker gets. With kGrowing it also gets the last line before that is finished, each time it has grown.
enum class LineWish { kFinished, kGrowing };

// Belongs to a CapturedStream, which has one thread that hands out the lines. `taker` runs on that thread with no lock
// held, must not throw, and returns false when it wants no more.
class LineSubscription {
 public:
  using Taker = std::function<bool(const Line&)>;

  LineSubscription(std::size_t max_line_length, Taker taker, LineWish wish = LineWish::kFinished)
      : splitter_(max_line_length), taker_(std::move(taker)), wish_(wish) {}

  // For the thread that hands out:

  // Take the bytes that come next, a pause after them, the end of the stream, or a gap in it (LineSplitter::cut). Hand
  // out nothing more after stop().
  void take(std::string_view bytes);
  void take_pause();
  void take_end();
  void take_gap(bool at_line_start);
  // Hands out what there is of an unfinished line. What comes of it later is a line of its own. Nothing with kGrowing:
  // the taker has got it.
  void take_rest();

  // For any thread:

  // The taker gets no line from now on, except one that it may be getting just now.
  void stop() { is_stopped_ = true; }
  bool is_stopped() const { return is_stopped_; }

  // Under the stream's lock:
  bool is_running = false;         // lines are being handed out
  bool is_over = false;            // there will be no more
  std::uint64_t rest_request = 0;  // the catch-up after which it gets the rest (take_rest()); 0 for none

 private:
  void hand_out(const Line& line);

  LineSplitter splitter_;
  const Taker taker_;
  const LineWish wish_;
  std::atomic<bool> is_stopped_{false};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_LINE_SUBSCRIPTION_H_

// How long a caller waits for the thread that reads a child's output.
#ifndef WARDEN_LIB_OUTPUT_PUMP_PATIENCE_H_
#define WARDEN_LIB_OUTPUT_PUMP_PATIENCE_H_

#include <algorithm>
#include <utility>

#include "lib/os/deadline.h"
#include "lib/os/next_question.h"
#include "lib/os/sys.h"
#include "lib/output/captured_stream.h"
#include "lib/output/output_pump.h"

namespace warden::internal {

class PumpPatience {
 public:
  // `deadline`: of the caller's wait.
  PumpPatience(Sys& sys, OutputPump& pump, TimePoint deadline) : sys_(sys), pump_(pump), deadline_(deadline) {
    const TimePoint end_of_patience = from_now();
    give_up_ = std::max(deadline, end_of_patience);
    if (!pump_.can_be_woken()) lost_at_ = end_of_patience;
  }

  // Until when to wait. `is_caught_up`: the pump has read what it was asked for; that is waited for past the deadline.
  // A pump that cannot be woken has the same patience, from when that was seen.
  TimePoint until(bool is_caught_up) {
    if (pump_.can_be_woken()) {
      lost_at_ = kNever;
    } else if (!is_lost_ && lost_at_ == kNever) {
      lost_at_ = from_now();
    }
    return std::min(is_caught_up ? deadline_ : give_up_, lost_at_);
  }
  // When to ask again at the latest.
  TimePoint next_look(bool is_caught_up) { return next_question(sys_, until(is_caught_up)); }

  // After until(): gives the streams of a pump up that cannot be woken. False where it can, and where that was done.
  bool lose_streams() {
    if (lost_at_ == kNever || sys_.now() < lost_at_ || std::exchange(is_lost_, true)) return false;
    lost_at_ = kNever;
    pump_.lose_streams();
    return true;
  }

 private:
  static constexpr TimePoint kNever = TimePoint::max();

  TimePoint from_now() const { return deadline_after(sys_.now(), CapturedStream::kCatchUpPatience); }

  Sys& sys_;
  OutputPump& pump_;
  const TimePoint deadline_;
  TimePoint give_up_;
  TimePoint lost_at_ = kNever;  // when the streams of a pump that cannot be woken are given up
  bool is_lost_ = false;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_PUMP_PATIENCE_H_

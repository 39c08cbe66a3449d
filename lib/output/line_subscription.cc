#include "lib/output/line_subscription.h"

#include <new>

namespace warden::internal {

void LineSubscription::hand_out(const Line& line) {
  if (!is_stopped() && !taker_(line)) stop();
}

// A line for which there is no memory ends there, marked, and its rest is lost.
void LineSubscription::take(std::string_view bytes) {
  Line line;
  while (!bytes.empty() && !is_stopped()) {
    try {
      while (!is_stopped() && splitter_.next(&bytes, &line)) hand_out(line);
    } catch (const std::bad_alloc&) {
      take_gap(false);
    }
  }
}

void LineSubscription::take_pause() {
  Line line;
  if (wish_ == LineWish::kGrowing && splitter_.peek(&line)) hand_out(line);
}

void LineSubscription::take_rest() {
  Line line;
  if (wish_ == LineWish::kGrowing || !splitter_.finish(&line)) return;
  line.unfinished = true;
  hand_out(line);
}

void LineSubscription::take_end() {
  Line line;
  if (splitter_.finish(&line)) hand_out(line);
}

void LineSubscription::take_gap(bool at_line_start) {
  Line line;
  if (splitter_.cut(at_line_start, &line)) hand_out(line);
}

}  // namespace warden::internal

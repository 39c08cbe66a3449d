// How long a call may wait, and until when: absl and std::chrono say it alike.
//
// Example:
//   using namespace std::chrono_literals;
//   child.wait_for(500ms);
//   child.wait_for(absl::Milliseconds(500));
#ifndef WARDEN_TIMEOUT_H_
#define WARDEN_TIMEOUT_H_

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <limits>

#include "absl/time/time.h"

namespace warden {

// A length of time. A std::chrono duration that is too long for it is infinite; one that is not a number is minus
// infinite, and refused as any negative length is.
class Timeout {
 public:
  // Zero.
  constexpr Timeout() = default;
  // absl::InfiniteDuration() has no bound.
  constexpr Timeout(absl::Duration duration) : duration_(duration) {}
  template <class Rep, class Period>
  Timeout(std::chrono::duration<Rep, Period> duration) : duration_(from_chrono(duration)) {}

  constexpr absl::Duration duration() const { return duration_; }

  friend constexpr bool operator==(Timeout a, Timeout b) { return a.duration_ == b.duration_; }
  friend constexpr bool operator!=(Timeout a, Timeout b) { return a.duration_ != b.duration_; }
  friend constexpr bool operator<(Timeout a, Timeout b) { return a.duration_ < b.duration_; }
  friend constexpr bool operator>(Timeout a, Timeout b) { return a.duration_ > b.duration_; }
  friend constexpr bool operator<=(Timeout a, Timeout b) { return a.duration_ <= b.duration_; }
  friend constexpr bool operator>=(Timeout a, Timeout b) { return a.duration_ >= b.duration_; }

 private:
  template <class Rep, class Period>
  static absl::Duration from_chrono(std::chrono::duration<Rep, Period> duration) {
    static_assert(std::chrono::treat_as_floating_point_v<Rep> || sizeof(Rep) <= sizeof(std::int64_t));
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
      const auto seconds = std::chrono::duration<double>(duration).count();
      return seconds != seconds ? -absl::InfiniteDuration() : absl::Seconds(seconds);
    } else {
      constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
      if (duration.count() > 0 && static_cast<std::uint64_t>(duration.count()) > static_cast<std::uint64_t>(kMost)) {
        return absl::InfiniteDuration();
      }
      return absl::Seconds(static_cast<std::int64_t>(duration.count())) * Period::num / Period::den;
    }
  }

  absl::Duration duration_;
};

// "1.5s", "inf".
std::ostream& operator<<(std::ostream& out, Timeout timeout);

// A point of the monotonic clock. Points of the time of day (absl::Time) are not taken: somebody may set that clock
// while the call waits.
class Deadline {
 public:
  // time_point::max() is never. What the clock cannot express is never, or as long ago as it can; what is not a number
  // is as long ago.
  template <class Duration>
  Deadline(std::chrono::time_point<std::chrono::steady_clock, Duration> time) : time_(in_range(time)) {}

  // So long after now. A negative length is before now.
  static Deadline after(Timeout timeout);

  constexpr std::chrono::steady_clock::time_point time() const { return time_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  template <class Duration>
  static TimePoint in_range(std::chrono::time_point<std::chrono::steady_clock, Duration> time) {
    const absl::Duration since_epoch = Timeout(time.time_since_epoch()).duration();
    if (since_epoch >= Timeout(TimePoint::max().time_since_epoch()).duration()) return TimePoint::max();
    if (since_epoch <= Timeout(TimePoint::min().time_since_epoch()).duration()) return TimePoint::min();
    return TimePoint(absl::ToChronoNanoseconds(since_epoch));
  }

  TimePoint time_;
};

}  // namespace warden

#endif  // WARDEN_TIMEOUT_H_

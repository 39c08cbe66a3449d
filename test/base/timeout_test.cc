// Which lengths of time and points in time are taken, and what becomes of those that do not fit.
#include "warden/timeout.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <sstream>
#include <type_traits>

#include "gtest/gtest.h"

namespace warden {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;
using Clock = steady_clock;
using TimePoint = Clock::time_point;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

absl::Duration length(Timeout timeout) { return timeout.duration(); }

TEST(TimeoutTest, TakesBothLibrariesLengthsWithoutACast) {
  EXPECT_EQ(length(absl::Milliseconds(1500)), absl::Milliseconds(1500));
  EXPECT_EQ(length(std::chrono::nanoseconds(1)), absl::Nanoseconds(1));
  EXPECT_EQ(length(std::chrono::milliseconds(1500)), absl::Milliseconds(1500));
  EXPECT_EQ(length(std::chrono::hours(2)), absl::Hours(2));
  EXPECT_EQ(length(duration<double>(0.25)), absl::Milliseconds(250));
  EXPECT_EQ(length(duration<int, std::ratio<1001, 30000>>(30000)), absl::Seconds(1001));
  EXPECT_EQ(length(duration<std::uint8_t>(255)), absl::Seconds(255));
}

TEST(TimeoutTest, IsInfiniteWhereTheLengthIsTooLong) {
  using Centuries = duration<std::int64_t, std::ratio<std::int64_t{100} * 365 * 86400>>;
  EXPECT_EQ(length(Centuries::max()), absl::InfiniteDuration());
  EXPECT_EQ(length(duration<std::uint64_t>::max()), absl::InfiniteDuration());
  EXPECT_EQ(length(duration<double>(kInfinity)), absl::InfiniteDuration());
  EXPECT_EQ(length(duration<double>(1e300)), absl::InfiniteDuration());
  EXPECT_LT(length(std::chrono::nanoseconds::max()), absl::InfiniteDuration());
}

TEST(TimeoutTest, IsNegativeWhereTheLengthIsOrIsNotANumber) {
  EXPECT_EQ(length(std::chrono::milliseconds(-1)), absl::Milliseconds(-1));
  EXPECT_LT(length(std::chrono::nanoseconds::min()), absl::ZeroDuration());
  EXPECT_EQ(length(std::chrono::hours::min()), -absl::InfiniteDuration());
  EXPECT_EQ(length(duration<double>(kNan)), -absl::InfiniteDuration());
  EXPECT_EQ(length(duration<float>(static_cast<float>(kNan))), -absl::InfiniteDuration());
}

TEST(TimeoutTest, ComparesAndPrintsAsItsLength) {
  EXPECT_EQ(Timeout(std::chrono::seconds(1)), absl::Seconds(1));
  EXPECT_NE(Timeout(std::chrono::seconds(1)), absl::Seconds(2));
  EXPECT_LT(Timeout(std::chrono::seconds(1)), absl::Seconds(2));
  EXPECT_LE(Timeout(std::chrono::seconds(1)), absl::Seconds(1));
  EXPECT_GT(Timeout(std::chrono::seconds(3)), absl::Seconds(2));
  EXPECT_GE(Timeout(std::chrono::seconds(2)), absl::Seconds(2));
  std::ostringstream out;
  out << Timeout(std::chrono::milliseconds(1500)) << ' ' << Timeout(absl::InfiniteDuration());
  EXPECT_EQ(out.str(), "1.5s inf");
}

TEST(DeadlineTest, TakesPointsOfTheMonotonicClockOfAnyPrecision) {
  const TimePoint point = TimePoint(std::chrono::seconds(100));
  EXPECT_EQ(Deadline(point).time(), point);
  EXPECT_EQ(Deadline(std::chrono::time_point<Clock, std::chrono::minutes>(std::chrono::minutes(2))).time(),
            TimePoint(std::chrono::seconds(120)));
  EXPECT_EQ(Deadline(std::chrono::time_point<Clock, duration<double>>(duration<double>(0.5))).time(),
            TimePoint(std::chrono::milliseconds(500)));
}

TEST(DeadlineTest, KeepsTheEndsOfTheClockAndWhatIsBeyondThem) {
  using Hours = std::chrono::time_point<Clock, std::chrono::hours>;
  using Seconds = std::chrono::time_point<Clock, duration<double>>;
  EXPECT_EQ(Deadline(TimePoint::max()).time(), TimePoint::max());
  EXPECT_EQ(Deadline(TimePoint::max() - Clock::duration(1)).time(), TimePoint::max() - Clock::duration(1));
  EXPECT_EQ(Deadline(TimePoint::min()).time(), TimePoint::min());
  EXPECT_EQ(Deadline(Hours::max()).time(), TimePoint::max());
  EXPECT_EQ(Deadline(Hours::min()).time(), TimePoint::min());
  EXPECT_EQ(Deadline(Seconds(duration<double>(kInfinity))).time(), TimePoint::max());
  EXPECT_EQ(Deadline(Seconds(duration<double>(kNan))).time(), TimePoint::min());
}

TEST(DeadlineTest, IsSoLongAfterNow) {
  const TimePoint before = Clock::now();
  const TimePoint later = Deadline::after(std::chrono::hours(1)).time();
  EXPECT_GE(later, before + std::chrono::hours(1));
  EXPECT_LE(later, Clock::now() + std::chrono::hours(1));
  EXPECT_LT(Deadline::after(absl::Seconds(-1)).time(), Clock::now());
  EXPECT_EQ(Deadline::after(absl::InfiniteDuration()).time(), TimePoint::max());
  EXPECT_EQ(Deadline::after(duration<double>(1e15)).time(), TimePoint::max());
}

static_assert(!std::is_convertible_v<std::chrono::system_clock::time_point, Deadline>);
static_assert(!std::is_convertible_v<absl::Time, Deadline>);
static_assert(!std::is_convertible_v<int, Timeout>);

}  // namespace
}  // namespace warden

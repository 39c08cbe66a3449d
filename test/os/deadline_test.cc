#include "lib/os/deadline.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace warden::internal {
namespace {

constexpr TimePoint kNow{std::chrono::hours(1000)};
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(DeadlineTest, ZeroIsNow) { EXPECT_EQ(deadline_after(kNow, absl::ZeroDuration()), kNow); }

TEST(DeadlineTest, OrdinaryTimeoutIsAdded) {
  EXPECT_EQ(deadline_after(kNow, absl::Milliseconds(1500)), kNow + std::chrono::milliseconds(1500));
}

TEST(DeadlineTest, InfiniteIsNeverReached) {
  EXPECT_EQ(deadline_after(kNow, absl::InfiniteDuration()), TimePoint::max());
}

TEST(DeadlineTest, TooLargeSumSaturates) {
  EXPECT_EQ(deadline_after(kNow, absl::Seconds(kMost)), TimePoint::max());
  EXPECT_EQ(deadline_after(kNow, absl::Nanoseconds(kMost)), TimePoint::max());
  EXPECT_EQ(deadline_after(TimePoint::max(), absl::Nanoseconds(1)), TimePoint::max());
}

TEST(DeadlineTest, LargestSumThatFitsIsExact) {
  const absl::Duration room = absl::FromChrono(TimePoint::max() - kNow);
  EXPECT_EQ(deadline_after(kNow, room - absl::Nanoseconds(1)), TimePoint::max() - std::chrono::nanoseconds(1));
  EXPECT_EQ(deadline_after(kNow, room), TimePoint::max());
}

TEST(DeadlineTest, PartOfATickIsRoundedUp) {
  EXPECT_EQ(deadline_after(kNow, absl::Nanoseconds(1) / 4), kNow + std::chrono::nanoseconds(1));
  EXPECT_EQ(deadline_after(kNow, absl::Nanoseconds(7) / 2), kNow + std::chrono::nanoseconds(4));
}

TEST(DeadlineTest, DurationBetweenIsTheDifference) {
  EXPECT_EQ(duration_between(kNow, kNow + std::chrono::milliseconds(7)), absl::Milliseconds(7));
  EXPECT_EQ(duration_between(kNow, kNow), absl::ZeroDuration());
}

// Powers of two of a quarter of a nanosecond and their neighbours, up to the longest finite duration, and infinity.
std::vector<absl::Duration> many_durations() {
  const absl::Duration quarter = absl::Nanoseconds(1) / 4;
  std::vector<absl::Duration> durations = {absl::ZeroDuration()};
  for (absl::Duration d = quarter; d < absl::Seconds(kMost) / 2; d *= 2) {
    durations.push_back(d - quarter);
    durations.push_back(d);
    durations.push_back(d + quarter);
    durations.push_back(d + d / 3);
  }
  durations.push_back(absl::Seconds(kMost));
  durations.push_back(absl::InfiniteDuration());
  return durations;
}

TEST(DeadlineTest, NeverEarlierThanAskedAndLessThanATickLater) {
  for (const TimePoint start : {TimePoint(), kNow, TimePoint::max() - std::chrono::hours(1),
                                TimePoint::max() - std::chrono::nanoseconds(1), TimePoint::max()}) {
    for (const absl::Duration timeout : many_durations()) {
      const TimePoint deadline = deadline_after(start, timeout);
      ASSERT_GE(deadline, start) << timeout;
      if (deadline == TimePoint::max()) continue;
      ASSERT_GE(duration_between(start, deadline), timeout);
      ASSERT_LT(duration_between(start, deadline), timeout + absl::Nanoseconds(1));
    }
  }
}

TEST(DeadlineTest, LongerTimeoutNeverEndsEarlier) {
  for (const absl::Duration a : many_durations()) {
    for (const absl::Duration b : many_durations()) {
      if (a <= b) {
        ASSERT_LE(deadline_after(kNow, a), deadline_after(kNow, b)) << a << " " << b;
      }
    }
  }
}

TEST(DeadlineTest, OnlyWhatDoesNotFitSaturates) {
  const absl::Duration room = absl::FromChrono(TimePoint::max() - kNow);
  for (const absl::Duration timeout : many_durations()) {
    const bool fits = timeout <= room - absl::Nanoseconds(1);
    ASSERT_EQ(deadline_after(kNow, timeout) != TimePoint::max(), fits) << timeout;
  }
}

}  // namespace
}  // namespace warden::internal

// Timeouts of every size, on a clock that moves only in waits: each call takes exactly its timeout.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/deadline.h"
#include "lib/supervise/wait_child.h"
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using ::testing::IsEmpty;

constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
const absl::Duration kYear = absl::Hours(365 * 24);
const ExitStatus kItself = ExitStatus::exited(7);

// The clock ends 292 years after its start: two of the second longest timeouts do not fit, and the longest counts as
// infinite.
std::vector<absl::Duration> all_timeouts() {
  return {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1),   absl::Seconds(1), kYear,
          200 * kYear,          absl::Seconds(kLast), absl::InfiniteDuration()};
}

// A child that only SIGKILL ends, with its clock.
struct World {
  World() {
    const Lock lock(child);
    child.begin(lock, {FakeSys::kLeaderPid, FakeSys::kLeaderPidfd}, true);
  }

  std::int64_t nanoseconds() const { return absl::ToInt64Nanoseconds(sys.elapsed()); }
  void exits_at(std::int64_t time) {
    sys.at(absl::Nanoseconds(time), [this] { sys.exit(sys.leader(), kItself); });
  }

  FakeSys sys;
  Supervised child{sys, "victim"};
};

// Returns when a wait that starts then ends, in plain arithmetic; empty for never.
std::optional<std::int64_t> end_of_wait(std::int64_t start, absl::Duration timeout) {
  if (timeout > absl::Nanoseconds(kLast - 1)) return std::nullopt;
  const std::int64_t whole = absl::ToInt64Nanoseconds(timeout);
  const std::int64_t rounded_up = absl::Nanoseconds(whole) < timeout ? whole + 1 : whole;
  const std::int64_t room = absl::ToInt64Nanoseconds(absl::FromChrono(TimePoint::max() - FakeSys().now())) - start;
  if (rounded_up >= room) return std::nullopt;
  return start + rounded_up;
}

// The timeouts pass one after the other, and SIGKILL ends the child. Where one is infinite, the child's exit ends the
// wait.
void expect_terminate_takes(const std::vector<absl::Duration>& timeouts) {
  World world;
  std::optional<std::int64_t> end = 0;
  std::int64_t last_start = 0;
  TerminationPolicy policy;
  for (const absl::Duration timeout : timeouts) {
    policy.phases.push_back({Signal::terminate(), timeout});
    if (!end.has_value()) continue;
    last_start = *end;
    end = end_of_wait(last_start, timeout);
  }
  if (!end.has_value()) world.exits_at(last_start + 5);
  Lock lock(world.child);
  const TerminationResult result = terminate_child(world.child, lock, policy);
  ASSERT_TRUE(result.has_value()) << result.error();
  EXPECT_EQ(world.nanoseconds(), end.value_or(last_start + 5)) << result.value().attempts;
  EXPECT_EQ(result.value().status, end.has_value() ? ExitStatus::signaled(Signal::kill(), false) : kItself);
  EXPECT_EQ(result.value().forced, end.has_value());
  EXPECT_THAT(world.sys.violations(), IsEmpty());
}

void expect_wait_takes(absl::Duration timeout) {
  World world;
  const std::optional<std::int64_t> end = end_of_wait(0, timeout);
  if (!end.has_value()) world.exits_at(5);
  Lock lock(world.child);
  const auto waited = wait_child(world.child, lock, deadline_after(world.sys.now(), timeout));
  ASSERT_TRUE(waited.has_value());
  EXPECT_EQ(world.nanoseconds(), end.value_or(5)) << timeout;
  EXPECT_EQ(waited.value(), end.has_value() ? std::nullopt : std::optional<ExitStatus>(kItself));
}

class TimeTest : public ::testing::Test {
  LogCapture messages_;
};

TEST_F(TimeTest, TerminateTakesTheSumOfItsTimeoutsAndNoMore) {
  for (const absl::Duration first : all_timeouts()) {
    for (const absl::Duration second : all_timeouts()) {
      SCOPED_TRACE(absl::FormatDuration(first) + " and " + absl::FormatDuration(second));
      expect_terminate_takes({first, second});
    }
  }
}

TEST_F(TimeTest, AWaitTakesItsTimeoutAndNoMore) {
  for (const absl::Duration timeout : all_timeouts()) expect_wait_takes(timeout);
}

TEST_F(TimeTest, TheBoundAfterSigkillIsExact) {
  for (const absl::Duration timeout : all_timeouts()) {
    World world;
    world.sys.leader().unkillable = true;
    const std::optional<std::int64_t> end = end_of_wait(0, timeout);
    if (!end.has_value()) world.exits_at(5);
    TerminationPolicy policy = TerminationPolicy::immediate();
    policy.kill_timeout = timeout;
    Lock lock(world.child);
    const TerminationResult result = terminate_child(world.child, lock, policy);
    EXPECT_EQ(result.has_value(), !end.has_value()) << timeout;
    EXPECT_EQ(world.nanoseconds(), end.value_or(5)) << timeout;
  }
}

TEST_F(TimeTest, TheGraceAfterASendThatFailedIsExact) {
  for (const absl::Duration timeout : all_timeouts()) {
    World world;
    world.sys.leader().denies_signals = true;
    const std::optional<std::int64_t> end = end_of_wait(0, timeout);
    if (!end.has_value()) world.exits_at(5);
    TerminationPolicy policy = TerminationPolicy::immediate();
    policy.failed_send_grace = timeout;
    policy.kill_timeout = absl::InfiniteDuration();
    Lock lock(world.child);
    EXPECT_EQ(terminate_child(world.child, lock, policy).has_value(), !end.has_value()) << timeout;
    EXPECT_EQ(world.nanoseconds(), end.value_or(5)) << timeout;
  }
}

// Durations from a quarter of a nanosecond to longer than the clock lasts, evenly by magnitude.
absl::Duration random_timeout(std::mt19937_64& random) {
  const int magnitude = static_cast<int>(random() % 66);
  const absl::Duration base = absl::Nanoseconds(1) / 4;
  const auto digits = static_cast<std::int64_t>(random() % 1000);
  return base * (std::int64_t{1} << std::min(magnitude, 40)) * (std::int64_t{1} << std::max(magnitude - 40, 0)) +
         base * digits;
}

TEST_F(TimeTest, AnyTimeoutsAddUp) {
  std::mt19937_64 random(20'261'123);
  for (int round = 0; round < 3000 && !HasFailure(); ++round) {
    std::vector<absl::Duration> timeouts(random() % 4);
    for (absl::Duration& timeout : timeouts) timeout = random_timeout(random);
    std::string trace;
    for (const absl::Duration timeout : timeouts) trace += absl::FormatDuration(timeout) + " ";
    SCOPED_TRACE(trace);
    expect_terminate_takes(timeouts);
    expect_wait_takes(random_timeout(random));
  }
}

}  // namespace
}  // namespace warden::internal

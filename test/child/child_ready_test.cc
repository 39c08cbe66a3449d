// Child::wait_until_ready with real children.
#include <pthread.h>

#include <functional>
#include <stdexcept>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/cancellable_thread.h"
#include "test/support/child_probe.h"
#include "warden/child.h"
#include "warden/readiness.h"

namespace warden::test_support {
namespace {

using Kind = Readiness::Kind;

const std::function<bool()> kNever = [] { return false; };

// The child ends in the middle of an infinite interval: the wait does not sit the interval out.
TEST(WaitUntilReady, EndsAtOnceWhenTheChildDoes) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"read", "exit", "7"}).stdin_from(Stdio::pipe())).value();
  int asked = 0;
  const auto closes = [&] {
    ++asked;
    child.close_stdin();
    return false;
  };
  const Readiness end = child.wait_until_ready(closes, absl::InfiniteDuration(), absl::InfiniteDuration()).value();
  EXPECT_EQ(end.kind, Kind::kExited);
  EXPECT_EQ(end.status, ExitStatus::exited(7));
  EXPECT_FALSE(end.ready());
  EXPECT_EQ(asked, 1);
}

TEST(WaitUntilReady, IsReadyWhenThePredicateSaysSo) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  int asked = 0;
  const auto third = [&asked] { return ++asked == 3; };
  const Readiness end = child.wait_until_ready(third, absl::Milliseconds(1), kBound).value();
  EXPECT_TRUE(end.ready());
  EXPECT_EQ(end.status, std::nullopt);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitUntilReady, TimesOutAndLeavesTheChildAndItsStdin) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"read"}).stdin_from(Stdio::pipe())).value();
  EXPECT_EQ(child.wait_until_ready(kNever, absl::Milliseconds(2), absl::Milliseconds(20)).value().kind,
            Kind::kTimedOut);
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_GT(child.stdin_fd(), 2);
  EXPECT_TRUE(child.wait().value().success());
}

TEST(WaitUntilReady, ThePredicateMayEndTheChild) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  const auto kills = [&child] { return child.kill().has_error(); };
  const Readiness end = child.wait_until_ready(kills, absl::InfiniteDuration(), kBound).value();
  EXPECT_EQ(end.kind, Kind::kExited);
  EXPECT_EQ(end.status.value().signal(), Signal::kill());
}

TEST(WaitUntilReady, AnExceptionOfThePredicatePassesThroughAndTheChildCanBeUsed) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  const auto throws = []() -> bool { throw std::runtime_error("not my day"); };
  EXPECT_THROW(child.wait_until_ready(throws, absl::Milliseconds(1), kBound).value(), std::runtime_error);
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  EXPECT_TRUE(child.kill().has_value());
}

// The predicate runs with cancellation enabled, as any other code of the caller.
TEST(WaitUntilReady, ThePredicateCanBeCancelledAndTheWaitCannot) {
  expect_to_complete([] {});
  Child child = Child::spawn(test_command({"sleep"})).value();
  int state = -1;
  const auto looks = [&state] {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, nullptr);
    return false;
  };
  expect_to_complete([&] {
    EXPECT_EQ(child.wait_until_ready(looks, absl::Milliseconds(1), absl::Milliseconds(5)).value().kind,
              Kind::kTimedOut);
  });
  EXPECT_EQ(state, PTHREAD_CANCEL_ENABLE);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WaitUntilReady, RefusesWhatMakesNoSense) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  const auto field = [](const Result<Readiness, WaitError>& result) {
    EXPECT_EQ(result.error().code, std::errc::invalid_argument);
    return result.error().invalid_argument.value().field;
  };
  EXPECT_EQ(field(child.wait_until_ready(nullptr, absl::Seconds(1), kBound)), "predicate");
  EXPECT_EQ(field(child.wait_until_ready(kNever, absl::ZeroDuration(), kBound)), "interval");
  EXPECT_EQ(field(child.wait_until_ready(kNever, -absl::Seconds(1), kBound)), "interval");
  EXPECT_EQ(field(child.wait_until_ready(kNever, absl::Seconds(1), -absl::Seconds(1))), "timeout");
  Child moved = std::move(child);
  EXPECT_EQ(child.wait_until_ready(kNever, absl::Seconds(1), kBound).error().code,  // NOLINT(bugprone-use-after-move)
            Errc::kEmptyHandle);
  EXPECT_TRUE(moved.kill().has_value());
}

}  // namespace
}  // namespace warden::test_support

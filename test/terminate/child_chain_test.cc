// A group in which every process forks and exits at once, so that each look finds other processes. Everything runs in
// forked processes, so that each learns about its kernel anew.
#include <chrono>
#include <functional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(30);

// The parameter: on this kernel, or on one that cannot signal a group by a pidfd.
class ForkChain : public ::testing::TestWithParam<bool> {
 protected:
  // Where the processes that reap orphans are slow, a round takes seconds.
  static constexpr int kRounds = 40;
  static constexpr std::chrono::seconds kTimeForRounds{30};

  static void run(const std::function<void()>& body) {
    run_isolated([&body] {
      if (GetParam() && !refuse_system_calls({refused_group_signals()})) return;
      const auto enough = std::chrono::steady_clock::now() + kTimeForRounds;
      for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
        body();
        if (std::chrono::steady_clock::now() >= enough) break;
      }
    });
  }

  // A process that the library missed would hold the pipe for ever.
  static void expect_nobody_left(const Child& child, AckPipe& ack) {
    EXPECT_THAT(live_members(child.pid()), IsEmpty());
    ack.close_write();
    EXPECT_TRUE(ack.wait_eof());
  }
};

TEST_P(ForkChain, IsEndedByTerminate) {
  run([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"chain"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    const auto report = child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_TRUE(report.value().forced) << report.value().attempts;
    expect_nobody_left(child, ack);
  });
}

TEST_P(ForkChain, IsEndedByKill) {
  run([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"chain"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(0));
    const auto status = child.kill();
    ASSERT_TRUE(status.has_value()) << status.error();
    expect_nobody_left(child, ack);
  });
}

std::string kernel_name(const ::testing::TestParamInfo<bool>& old) { return old.param ? "OldKernel" : "ThisKernel"; }

INSTANTIATE_TEST_SUITE_P(Kernel, ForkChain, ::testing::Bool(), kernel_name);

}  // namespace
}  // namespace warden::test_support

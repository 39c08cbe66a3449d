// Spawning while no descriptor is free.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/spawn_helpers.h"

namespace warden::test_support {
namespace {

TEST(SpawnWithAFullTable, AFullTableOfTheParentOnlyCostsThePidfd) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"read", "exit", "4"});
    command.stdin_from(Stdio::null()).stdout_to(Stdio::fd(2));
    const ScarceDescriptors full(0);
    Result<Child, SpawnError> child = Child::spawn(command.stderr_to(Stdio::fd(1)));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(ack.wait_line(), "ready");
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(4));
  });
}

TEST(SpawnWithAFullTable, AChildWithoutAPidfdCanBeTerminated) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"fork", "sleep", "--", "handle", "TERM", "4"});
    auto full = std::make_unique<ScarceDescriptors>(0);
    Result<Child, SpawnError> child = Child::spawn(command);
    full = nullptr;
    ASSERT_TRUE(child.has_value()) << child.error();
    ack.close_write();
    const std::vector<std::string> lines = {ack.wait_line(), ack.wait_line(), ack.wait_line()};
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "ready"), 1);
    const auto ended = child.value().terminate(TerminationPolicy::service(absl::Seconds(60)));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::exited(4));
    EXPECT_TRUE(ack.wait_for("got SIGTERM"));
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST(SpawnWithAFullTable, AGroupIsEndedToTheLastMemberWhileTheTableIsFull) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"fork", "stubborn", "--", "exit", "4"});
    const ScarceDescriptors full(0);
    Result<Child, SpawnError> child = Child::spawn(command);
    ASSERT_TRUE(child.has_value()) << child.error();
    ack.close_write();
    EXPECT_TRUE(ack.wait_for("child ready"));
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(4));
    const ScarceDescriptors still_full(0);  // closing the pipe's end has freed a number
    const auto ended = child.value().terminate(absl::Milliseconds(50), absl::Milliseconds(50));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::exited(4));
    EXPECT_TRUE(ack.wait_eof());  // the descendant has gone too
  });
}

TEST(SpawnWithAFullTable, AFullTableIsSaidWhereAPipeIsAskedFor) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    const Command command = test_command({"sleep"}).stdin_from(Stdio::pipe());
    const ScarceDescriptors full(0);
    const SpawnError error = error_of(command);
    EXPECT_EQ(error.code, std::errc::too_many_files_open);
    EXPECT_EQ(error.step, SpawnError::Step::kCreatePipe);
  });
}

}  // namespace
}  // namespace warden::test_support

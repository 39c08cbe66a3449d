// Which descriptors the child opens instead of inheriting them.
#include "lib/spawn/reopened_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "lib/spawn/spawn_plan.h"
#include "warden/command.h"

namespace warden::internal {
namespace {

using Kind = DescriptorAction::Kind;

constexpr int kLow = 7;
constexpr int kHigh = 5'000;
constexpr int kOthers = 6'000;

std::vector<DescriptorAction> copies_of(const std::vector<int>& sources) {
  std::vector<DescriptorAction> actions;
  for (const int source : sources) {
    DescriptorAction action;
    action.kind = Kind::kCopy;
    action.source = source;
    action.target = static_cast<int>(actions.size());
    actions.push_back(action);
  }
  return actions;
}

TEST(ReopenedPipes, AreThoseOfOursWithHighNumbersAndNobodyElses) {
  std::vector<DescriptorAction> actions = copies_of({kHigh, kOthers, kHigh + 1});
  ReopenedPipes reopened;
  reopened.plan({kHigh, kHigh + 1}, &actions);
  EXPECT_EQ(actions[0].kind, Kind::kReopen);
  EXPECT_EQ(actions[0].flags, O_RDONLY);
  EXPECT_EQ(actions[1].kind, Kind::kCopy);
  EXPECT_EQ(actions[2].kind, Kind::kReopen);
  EXPECT_EQ(actions[2].flags, O_WRONLY);
}

TEST(ReopenedPipes, AreNoneWhereTheNumbersAreLow) {
  std::vector<DescriptorAction> actions = copies_of({kLow, kOthers});
  ReopenedPipes reopened;
  reopened.plan({kLow, -1}, &actions);
  EXPECT_EQ(actions[0].kind, Kind::kCopy);
  EXPECT_EQ(actions[1].kind, Kind::kCopy);
  EXPECT_FALSE(reopened.give_up(&actions));
}

TEST(ReopenedPipes, AreFoundByTheirPath) {
  const int fd = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 300);
  ASSERT_GE(fd, 300);
  std::vector<DescriptorAction> actions = copies_of({fd});
  ReopenedPipes reopened;
  reopened.plan({fd}, &actions);
  ASSERT_EQ(actions[0].kind, Kind::kReopen);
  EXPECT_EQ(::access(actions[0].path, F_OK), 0) << actions[0].path;
  ::close(fd);
  EXPECT_NE(::access(actions[0].path, F_OK), 0) << actions[0].path;
}

TEST(ReopenedPipes, AreCopiesAgainOnceGivenUp) {
  std::vector<DescriptorAction> actions = copies_of({kHigh});
  ReopenedPipes reopened;
  reopened.plan({kHigh}, &actions);
  EXPECT_TRUE(reopened.give_up(&actions));
  EXPECT_EQ(actions[0].kind, Kind::kCopy);
  EXPECT_EQ(actions[0].source, kHigh);
  EXPECT_FALSE(reopened.give_up(&actions)) << "a second time";
}

TEST(ReopenedPipes, AreNotWhatTheChildsTableHasToReachTo) {
  std::vector<int> fillers;
  while (fillers.empty() || fillers.back() < 300) fillers.push_back(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  Command command("true");
  command.stdin_from(Stdio::pipe()).stdout_to(Stdio::capture());
  const std::unique_ptr<SpawnPlan> plan = make_spawn_plan(command).value();
  EXPECT_EQ(plan->child.first_unused, 3);
  EXPECT_TRUE(plan->inherit_pipes());
  EXPECT_GT(plan->child.first_unused, 300);
  for (const int fd : fillers) ::close(fd);
}

}  // namespace
}  // namespace warden::internal

// The fixture with several children, and the scoped child.
#include "warden/testing/child_fixture.h"

#include <unistd.h>

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/testing/fixture_probe.h"
#include "warden/testing/matchers.h"
#include "warden/testing/scoped_child.h"

namespace warden::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using warden::Child;
using warden::Command;
using warden::TerminationPolicy;
using warden::test_support::AckPipe;
using warden::test_support::kBound;
using warden::test_support::live_members;
using warden::test_support::Pidfd;
using warden::test_support::test_command;

TEST(FixtureTest, EndsChildrenOneAfterTheOtherTheLastFirst) {
  AckPipe ack;
  Fixture fixture;
  ASSERT_NE(fixture.spawn(shell_with_handler(ack, "echo first >&9"), ready_on("ready")), nullptr);
  ASSERT_NE(fixture.spawn(shell_with_handler(ack, "echo second >&9"), ready_on("ready")), nullptr);
  fixture.TearDown();
  EXPECT_EQ(ack.wait_line(), "second");
  EXPECT_EQ(ack.wait_line(), "first");
}

// Ended one after the other, in either order, each child would wait for ever for the other.
TEST(FixtureTest, EndsChildrenAllAtOnce) {
  AckPipe ack, first, second;
  Fixture fixture;
  fixture.end_all_at_once(TerminationPolicy::service(kBound));
  const Command one = shell_with_handler(ack, "echo go >&8; read go <&7; echo ended >&9");
  const Command other = one;
  ASSERT_NE(
      fixture.spawn(Command(one).inherit_fd(first.write_fd(), 8).inherit_fd(second.read_fd(), 7), ready_on("ready")),
      nullptr);
  ASSERT_NE(
      fixture.spawn(Command(other).inherit_fd(second.write_fd(), 8).inherit_fd(first.read_fd(), 7), ready_on("ready")),
      nullptr);
  fixture.TearDown();
  EXPECT_EQ(ack.wait_line(), "ended");
  EXPECT_EQ(ack.wait_line(), "ended");
}

TEST(FixtureTest, EachChildIsEndedByItsOwnPolicy) {
  AckPipe ack;
  SpawnOptions interrupted;
  interrupted.policy = TerminationPolicy::interrupt_first(kBound, kBound);
  {
    Fixture fixture;
    ASSERT_NE(fixture.spawn(test_command(ack, {"handle", "INT", "0"}), interrupted), nullptr);
    ASSERT_TRUE(ack.wait_for("ready"));
    fixture.TearDown();
  }
  EXPECT_EQ(ack.wait_line(), "got SIGINT");
}

TEST(FixtureTest, DestructorEndsTheChildrenOfAClassThatForgetsToCallTearDown) {
  const AbandonedChildCount abandoned;
  int pid = -1;
  {
    Fixture fixture;
    pid = fixture.spawn(test_command({"sleep"}))->pid();
  }
  EXPECT_THAT(live_members(pid), IsEmpty());
  EXPECT_EQ(abandoned.value(), 0);
}

TEST(FixtureTest, SecondTearDownDoesNothingAndLaterChildrenAreEnded) {
  Fixture fixture;
  ASSERT_NE(fixture.spawn(test_command({"sleep"})), nullptr);
  fixture.TearDown();
  fixture.TearDown();
  const int pid = fixture.spawn(test_command({"sleep"}))->pid();
  fixture.TearDown();
  EXPECT_THAT(live_members(pid), IsEmpty());
}

TEST(FixtureTest, EachChildWithAProblemIsOneFailure) {
  const auto failures = failures_of([] {
    Fixture fixture;
    for (const char* code : {"1", "2"}) {
      Child* const child = fixture.spawn(test_command({"exit", code}));
      ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
    }
    fixture.spawn(test_command({"sleep"}));
    fixture.TearDown();
  });
  EXPECT_THAT(failures, ElementsAre(HasSubstr("exited with code 1"), HasSubstr("exited with code 2")));
}

TEST(FixtureTest, CopyInAForkedProcessEndsNobody) {
  Fixture fixture;
  Child* const child = fixture.spawn(test_command({"sleep"}));
  ASSERT_NE(child, nullptr);
  EXPECT_EXIT(
      {
        fixture.TearDown();
        _exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(child->state().kind, warden::ProcessState::Kind::kRunning);
}

TEST(FixtureTest, WrongPoliciesFailTheTestAndStartNothing) {
  Fixture fixture;
  SpawnOptions options;
  options.policy.kill_timeout = absl::Seconds(-1);
  EXPECT_THAT(failures_of([&] { EXPECT_EQ(fixture.spawn(test_command({"sleep"}), options), nullptr); }),
              ElementsAre(AllOf(HasSubstr("child 'sleep' was not started"), HasSubstr("kill_timeout"))));
  EXPECT_TRUE(warden::test_support::wait_until_childless());
  EXPECT_THAT(failures_of([&] { fixture.end_all_at_once(options.policy); }), ElementsAre(HasSubstr("kill_timeout")));
  ASSERT_NE(fixture.spawn(test_command({"sleep"})), nullptr);
}

TEST(ScopedChildTest, CanBeReturnedFromAFunction) {
  const auto start = [] {
    ScopedChild child(test_command({"sleep"}));
    EXPECT_TRUE(child.ok());
    return child;
  };
  int pid = -1;
  {
    ScopedChild child = start();
    ScopedChild moved = std::move(child);
    ASSERT_TRUE(moved.ok());
    EXPECT_FALSE(child.ok());  // NOLINT(bugprone-use-after-move)
    pid = moved->pid();
    EXPECT_EQ((*moved).state().kind, warden::ProcessState::Kind::kRunning);
  }
  EXPECT_THAT(live_members(pid), IsEmpty());
}

}  // namespace
}  // namespace warden::testing

// terminate() and kill() reach the whole group of the child and no other process.
#include <signal.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(30);

TEST(Group, NobodyIsLeftWhenTheLeaderGoesFirst) {
  for (const bool waited_for : {false, true}) {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "exit", "6"})).value();
    const int grandchild_pid = wait_forked(ack, {"child ready"});
    const Pidfd grandchild(grandchild_pid);
    if (waited_for) {
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    } else {
      ASSERT_TRUE(Pidfd(child.pid()).wait_dead());
    }
    EXPECT_THAT(live_members(child.pid()), ElementsAre(grandchild_pid));
    const TerminationReport report =
        child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort)).value();
    EXPECT_TRUE(grandchild.is_dead());
    EXPECT_THAT(live_members(child.pid()), IsEmpty());
    EXPECT_EQ(report.status, ExitStatus::exited(6));
    EXPECT_TRUE(report.forced);
    EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
    EXPECT_THAT(report.survivors, ElementsAre(Survivor{grandchild_pid, "test_child"}));
    EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
  }
}

TEST(Group, EndsInThePhaseThatTheLastMemberObeys) {
  AckPipe ack;
  Child child =
      Child::spawn(test_command(ack, {"fork", "ignore", "INT", "handle", "TERM", "3", "--", "sleep"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready"}));
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(absl::Seconds(1), kBound)).value();
  EXPECT_TRUE(grandchild.is_dead());
  EXPECT_EQ(report.status.signal(), Signal::interrupt());
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_FALSE(report.forced);
  EXPECT_TRUE(ack.wait_for("child got SIGTERM"));
}

TEST(Group, AMemberWhoseMainThreadHasGoneCountsAsAlive) {
  AckPipe ack;
  Child child =
      Child::spawn(test_command(ack, {"fork", "ignore", "INT", "ignore", "TERM", "thread", "--", "exit", "0"})).value();
  const int grandchild_pid = wait_forked(ack, {"child main exited"});
  const Pidfd grandchild(grandchild_pid);
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort)).value();
  EXPECT_TRUE(grandchild.is_dead());
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{grandchild_pid, "test_child"}));
}

// The zombie's parent has left the group, lives, and never waits for it.
TEST(Group, AZombieCountsAsDead) {
  AckPipe ack;
  Child child =
      Child::spawn(test_command(ack, {"fork", "fork", "exit", "0", "--", "new-group", "sleep", "--", "sleep"})).value();
  int parent_pid = -1;
  int zombie_pid = -1;
  for (int ready = 0; ready < 2;) {
    const std::string line = ack.wait_line();
    if (line.rfind("forked ", 0) == 0) parent_pid = std::stoi(line.substr(7));
    if (line.rfind("child forked ", 0) == 0) zombie_pid = std::stoi(line.substr(13));
    if (line == "ready" || line == "child ready") ++ready;
    ASSERT_NE(line, "(timeout)");
  }
  const Pidfd parent(parent_pid);
  const Pidfd zombie(zombie_pid);
  ASSERT_TRUE(zombie.wait_dead());
  ASSERT_EQ(::getpgid(zombie_pid), child.pid());
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kBound, kBound)).value();
  EXPECT_EQ(report.ended_by, AttemptPhase::kInterrupt);
  EXPECT_THAT(report.survivors, IsEmpty());
  EXPECT_FALSE(parent.is_dead()) << "it had left the group";
  ASSERT_TRUE(parent.send(SIGKILL));
  EXPECT_TRUE(parent.wait_dead());
}

TEST(Group, KillReachesGrandchildren) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_TRUE(grandchild.is_dead());
  EXPECT_THAT(live_members(child.pid()), IsEmpty());
}

TEST(Group, KillReachesGrandchildrenOfALeaderThatHasEnded) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "exit", "1"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready"}));
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(1));
  EXPECT_FALSE(grandchild.is_dead()) << "a natural exit is not swept";
  EXPECT_EQ(child.kill().value(), ExitStatus::exited(1));
  EXPECT_TRUE(grandchild.is_dead());
}

TEST(Group, LeaderFirstSignalsTheLeaderAloneBeforeTheGroup) {
  AckPipe ack;
  Child child =
      Child::spawn(test_command(ack, {"fork", "handle", "TERM", "0", "--", "ignore", "TERM", "sleep"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::leader_first(kShort, absl::Seconds(1))).value();
  EXPECT_TRUE(grandchild.is_dead());
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGTERM leader", "SIGTERM group", "SIGKILL group"));
  EXPECT_EQ(report.status.signal(), Signal::kill());
}

TEST(Group, LeaderOnlyLeavesTheOthersAlone) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "sleep", "--", "stubborn"})).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  TerminationPolicy policy = TerminationPolicy::service(kShort);
  policy.leader_only = true;
  const TerminationReport report = child.terminate_with_report(policy).value();
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGTERM leader", "SIGKILL leader"));
  EXPECT_FALSE(grandchild.is_dead());
  EXPECT_TRUE(child.kill().has_value());
  EXPECT_TRUE(grandchild.is_dead());
}

TEST(Group, AProcessThatLeftTheGroupIsNotTouched) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "new-session", "sleep", "--", "sleep"})).value();
  const Pidfd escaped(wait_forked(ack, {"child ready"}));
  EXPECT_TRUE(child.terminate(kBound, kBound).has_value());
  EXPECT_FALSE(escaped.is_dead());
  ASSERT_TRUE(escaped.send(SIGKILL));
  EXPECT_TRUE(escaped.wait_dead());
}

// This program and the sibling are in the group to which the child moves.
TEST(Group, ALeaderThatMovedToOurGroupIsEndedAlone) {
  if (::getpgrp() == 0) GTEST_SKIP() << "our group is of another pid namespace, and nobody here can join it";
  Child sibling = Child::spawn(test_command({"sleep"}).group(false)).value();
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"join-group", std::to_string(::getpid()), "stubborn"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  ASSERT_EQ(::getpgid(child.pid()), ::getpgrp());
  EXPECT_EQ(child.terminate(kShort, kShort).value().signal(), Signal::kill());
  EXPECT_EQ(sibling.try_wait().value(), std::nullopt);
  EXPECT_EQ(sibling.kill().value().signal(), Signal::kill());
}

TEST(Group, WithoutAGroupOfItsOwnOnlyTheChildIsSignalled) {
  AckPipe sibling_ack;
  Child sibling = Child::spawn(test_command(sibling_ack, {"sleep"}).group(false)).value();
  ASSERT_EQ(sibling_ack.wait_line(), "ready");
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "sleep", "--", "stubborn"}).group(false)).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  ASSERT_EQ(::getpgid(child.pid()), ::getpgrp());
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort)).value();
  EXPECT_EQ(report.status.signal(), Signal::kill());
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGINT leader", "SIGTERM leader", "SIGKILL leader"));
  EXPECT_FALSE(grandchild.is_dead());
  ASSERT_TRUE(grandchild.send(SIGKILL));
  EXPECT_TRUE(grandchild.wait_dead());
  EXPECT_EQ(sibling.kill().value().signal(), Signal::kill()) << "it had no signal before";
}

TEST(Group, ANewSessionIsEndedLikeAGroup) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"}).new_session(true)).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready", "ready"}));
  ASSERT_EQ(::getsid(child.pid()), child.pid());
  EXPECT_EQ(child.terminate(kShort, kShort).value().signal(), Signal::kill());
  EXPECT_TRUE(grandchild.is_dead());
}

// When spawn returns, the group exists, with everything that ending it needs.
TEST(Group, CanBeEndedRightAfterTheSpawn) {
  for (int i = 0; i < 200; ++i) {
    Child child = Child::spawn(test_command({"fork", "sleep", "--", "sleep"})).value();
    EXPECT_TRUE(i % 2 == 0 ? child.kill().has_value() : child.terminate(kBound, kBound).has_value());
    EXPECT_THAT(live_members(child.pid()), IsEmpty());
  }
}

}  // namespace
}  // namespace warden::test_support

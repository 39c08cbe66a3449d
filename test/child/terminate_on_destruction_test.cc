// terminate_on_destruction: the handle's destructor carries a policy out.
#include <errno.h>
#include <signal.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const TerminationPolicy kPatient = TerminationPolicy::service(kBound);

// Spawns a child that acknowledges SIGTERM and exits, and dies of any other signal. The child is ready, and holds the
// only write end of the pipe.
Child spawn_polite(AckPipe& ack) {
  Child child = Child::spawn(test_command(ack, {"handle", "TERM", "0"})).value();
  ack.close_write();
  EXPECT_TRUE(ack.wait_for("ready"));
  return child;
}

TEST(TerminateOnDestruction, CarriesThePolicyOutAndIsNoMistake) {
  const CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> process;
  {
    Child child = spawn_polite(ack);
    process = std::make_unique<Pidfd>(child.pid());
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning) << "nothing is done before";
  }
  EXPECT_TRUE(process->is_dead());
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, SendsSigtermFirstByDefault) {
  const CapturedLog log;
  AckPipe ack;
  {
    Child child = spawn_polite(ack);
    EXPECT_TRUE(child.terminate_on_destruction().has_value());
  }
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, FollowsTheLastPolicy) {
  const CapturedLog log;
  AckPipe ack;
  {
    Child child = Child::spawn(test_command(ack, {"handle", "INT", "0"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    EXPECT_TRUE(child.terminate_on_destruction(TerminationPolicy::interrupt_first(kBound, kBound)).has_value());
  }
  EXPECT_EQ(ack.wait_line(), "got SIGINT");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, EndsTheWholeGroup) {
  const CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> grandchild;
  {
    Child child = Child::spawn(test_command(ack, {"fork", "handle", "TERM", "0", "--", "sleep"})).value();
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready", "ready"}));
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
  }
  EXPECT_TRUE(grandchild->is_dead());
  EXPECT_EQ(ack.wait_line(), "child got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, KillsWhatDoesNotMindThePolicysSignals) {
  const CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> leader, grandchild;
  {
    Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value();
    leader = std::make_unique<Pidfd>(child.pid());
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready", "ready"}));
    EXPECT_TRUE(child.terminate_on_destruction(TerminationPolicy::service(absl::Milliseconds(20))).has_value());
  }
  EXPECT_TRUE(leader->is_dead());
  EXPECT_TRUE(grandchild->is_dead());
  for (const CapturedLog::Record& record : log.records()) {  // SIGKILL is the policy's own last step
    EXPECT_EQ(record.severity, LogSeverity::kWarning) << record.event;
  }
}

TEST(TerminateOnDestruction, EndsTheRestOfTheGroupWhenTheLeaderHasGoneUnseen) {
  const CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> grandchild;
  {
    Child child = Child::spawn(test_command(ack, {"fork", "handle", "TERM", "0", "--", "exit", "0"})).value();
    const Pidfd leader(child.pid());
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready"}));
    ASSERT_TRUE(leader.wait_dead());
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
  }
  EXPECT_TRUE(grandchild->is_dead());
  EXPECT_EQ(ack.wait_line(), "child got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, ClosesStdinSoThatAChildCanEndByItself) {
  const CapturedLog log;
  AckPipe ack;
  {
    Command command = test_command(ack, {"ignore", "TERM", "read"});
    Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
  }
  EXPECT_EQ(ack.wait_line(), "eof 0");
  EXPECT_THAT(log.records(), IsEmpty());
}

// The child is alive; SIGUSR1 ends it now.
void expect_untouched(AckPipe& ack, const Pidfd& process) {
  EXPECT_FALSE(process.is_dead());
  ASSERT_TRUE(process.send(SIGUSR1));
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
  EXPECT_TRUE(process.wait_reaped());
}

TEST(TerminateOnDestruction, IsUndoneByALaterDetach) {
  const CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> process;
  {
    Child child = Child::spawn(test_command(ack, {"handle", "USR1", "0"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    process = std::make_unique<Pidfd>(child.pid());
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    child.detach_on_destruction();
    EXPECT_FALSE(child.ends_on_destruction());
  }
  expect_untouched(ack, *process);
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, HoldsAfterAnEarlierDetach) {
  const CapturedLog log;
  AckPipe ack;
  {
    Child child = spawn_polite(ack);
    child.detach_on_destruction();
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    EXPECT_TRUE(child.ends_on_destruction());
  }
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, IsUndoneByALaterKill) {
  const CapturedLog log;
  AckPipe ack;
  {
    Child child = spawn_polite(ack);
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    child.kill_on_destruction();
  }
  EXPECT_EQ(ack.wait_line(), "") << "killed, without SIGTERM";
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, SendsNothingAfterAWait) {
  const CapturedLog log;
  AckPipe ack;
  std::unique_ptr<Pidfd> grandchild;
  {
    Child child = Child::spawn(test_command(ack, {"fork", "handle", "USR1", "0", "--", "exit", "0"})).value();
    grandchild = std::make_unique<Pidfd>(wait_forked(ack, {"child ready"}));
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    EXPECT_EQ(child.wait().value().exit_code(), 0);
  }
  EXPECT_FALSE(grandchild->is_dead()) << "an end that was waited for ends nobody else";
  ASSERT_TRUE(grandchild->send(SIGUSR1));
  EXPECT_EQ(ack.wait_line(), "child got SIGUSR1");
  EXPECT_TRUE(grandchild->wait_dead());
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, IsNoMistakeForAChildWhoseEndNobodySaw) {
  const CapturedLog log;
  {
    Child child = Child::spawn(test_command({"exit", "0"})).value();
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    ASSERT_TRUE(Pidfd(child.pid()).wait_dead());
  }
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, RefusesAWrongPolicyByNameAndKeepsTheOldOne) {
  // its SIGINT would kill the child
  const TerminationPolicy other = TerminationPolicy::interrupt_first(kBound, kBound);
  TerminationPolicy negative_phase = other;
  negative_phase.phases[0].timeout = -absl::Seconds(1);
  TerminationPolicy kill_phase = other;
  kill_phase.phases.push_back({Signal::kill(), kBound});
  TerminationPolicy negative_kill = other;
  negative_kill.kill_timeout = -absl::Seconds(1);
  const std::vector<std::pair<TerminationPolicy, std::string>> wrong = {
      {negative_phase, "phases[0].timeout"}, {kill_phase, "phases[2].signal"}, {negative_kill, "kill_timeout"}};
  const CapturedLog log;
  AckPipe ack;
  {
    Child child = spawn_polite(ack);
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    for (const auto& [policy, field] : wrong) {
      const auto refused = child.terminate_on_destruction(policy);
      ASSERT_TRUE(refused.has_error()) << field;
      EXPECT_EQ(refused.error().kind, TerminationError::Kind::kRefused);
      EXPECT_EQ(refused.error().code, std::errc::invalid_argument);
      EXPECT_EQ(refused.error().process_name, "handle");
      EXPECT_EQ(refused.error().invalid_argument.value().field, field);
    }
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  }
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, LeavesAChildWithoutAPolicyAsItWasWhenItRefuses) {
  TerminationPolicy wrong = kPatient;
  wrong.failed_send_grace = -absl::Seconds(1);
  const CapturedLog log;
  AckPipe ack;
  {
    Child child = spawn_polite(ack);
    EXPECT_TRUE(child.terminate_on_destruction(wrong).has_error());
  }
  EXPECT_EQ(log.records().size(), 1u) << "the destruction is a mistake as before";
  EXPECT_EQ(ack.wait_line(), "") << "SIGKILL came, and no SIGTERM";
}

TEST(TerminateOnDestruction, WorksWhileAnExceptionIsOnItsWay) {
  const CapturedLog log;
  AckPipe ack;
  std::string caught;
  try {
    Child child = spawn_polite(ack);
    EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
    throw std::runtime_error("the first mistake");
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  EXPECT_EQ(caught, "the first mistake");
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, MovesWithTheHandle) {
  const CapturedLog log;
  AckPipe ack;
  {
    std::vector<Child> children;
    {
      Child child = spawn_polite(ack);
      EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
      children.push_back(std::move(child));
    }
    EXPECT_EQ(children.front().state().kind, ProcessState::Kind::kRunning);
  }
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_THAT(log.records(), IsEmpty());
}

TEST(TerminateOnDestruction, EndsTheChildThatAnAssignmentReplaces) {
  const CapturedLog log;
  AckPipe ack;
  Child child = spawn_polite(ack);
  EXPECT_TRUE(child.terminate_on_destruction(kPatient).has_value());
  child = Child::spawn(test_command({"sleep"})).value();
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_THAT(log.records(), IsEmpty());
}

}  // namespace
}  // namespace warden::test_support

// Processes that do not end with their leader: shells and their jobs.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kShort = absl::Milliseconds(30);

// Runs a shell script in which "$@" is test_child with its acknowledgements, and the mode.
Command shell_command(const std::string& shell, const AckPipe& ack, const std::string& script,
                      const std::vector<std::string>& mode) {
  Command command(shell);
  command.args({"-c", script, shell, test_child_path(), ack.flag()}).args(mode).inherit_fd(ack.write_fd());
  return command;
}

// Returns the only live process of the group.
int only_member(int group) {
  const std::vector<int> members = live_members(group);
  EXPECT_THAT(members, SizeIs(1));
  return members.empty() ? -1 : members[0];
}

TEST(Tree, AJobThatAShellHasLeftBehindIsSwept) {
  AckPipe ack;
  Child child = Child::spawn(shell_command("sh", ack, R"((trap "" INT TERM; exec "$@") & exit 0)", {"sleep"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  ASSERT_TRUE(Pidfd(child.pid()).wait_dead());
  const int job_pid = only_member(child.pid());
  const Pidfd job(job_pid);
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort)).value();
  EXPECT_TRUE(job.is_dead());
  EXPECT_THAT(live_members(child.pid()), IsEmpty());
  EXPECT_EQ(report.status, ExitStatus::exited(0));
  EXPECT_EQ(report.ended_by, AttemptPhase::kSweep);
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{job_pid, "test_child"}));
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
  const Attempt& last = report.attempts[report.attempts.size() - 1];
  EXPECT_EQ(last.phase, AttemptPhase::kSweep);
  EXPECT_EQ(last.operation, AttemptOperation::kSweep);
  EXPECT_EQ(last.result, AttemptResult::kOk);
}

// A shell that is not interactive starts its background jobs with SIGINT ignored.
TEST(Tree, ABackgroundJobOfAShellEndsInTheTerminatePhase) {
  AckPipe ack;
  Child child = Child::spawn(shell_command("sh", ack, R"("$@" & wait)", {"sleep"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(absl::Milliseconds(200), kBound)).value();
  EXPECT_THAT(live_members(child.pid()), IsEmpty());
  EXPECT_EQ(report.status.signal(), Signal::interrupt());
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGINT group", "SIGTERM group"));
}

// bash runs a trap only when its foreground child has ended.
class BashTrap : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/bin/bash", X_OK) != 0) GTEST_SKIP() << "there is no /bin/bash";
  }

  // Starts the shell; its trap is set, and its foreground child sleeps.
  Child start() {
    const std::string script = R"(trap "exit 42" TERM; "$@"; exit 1)";
    Child child = Child::spawn(shell_command("/bin/bash", ack_, script, {"sleep"})).value();
    EXPECT_TRUE(ack_.wait_for("ready"));
    return child;
  }

  AckPipe ack_;
};

TEST_F(BashTrap, RunsWhenTheGroupIsSignalled) {
  Child child = start();
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_EQ(report.status, ExitStatus::exited(42));
  EXPECT_FALSE(report.forced);
}

TEST_F(BashTrap, DoesNotRunWhenTheLeaderAloneIsSignalled) {
  Child child = start();
  TerminationPolicy policy = TerminationPolicy::service(kShort);
  policy.leader_only = true;
  const TerminationReport report = child.terminate_with_report(policy).value();
  EXPECT_EQ(report.status.signal(), Signal::kill());
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGTERM leader", "SIGKILL leader"));
  const Pidfd foreground(only_member(child.pid()));
  EXPECT_TRUE(child.kill().has_value());
  EXPECT_TRUE(foreground.is_dead());
}

TEST_F(BashTrap, RunsInTheGroupPhaseOfLeaderFirst) {
  Child child = start();
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::leader_first(kShort, kBound)).value();
  EXPECT_EQ(report.status, ExitStatus::exited(42));
  EXPECT_FALSE(report.forced);
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGTERM leader", "SIGTERM group"));
}

// The kernel reports a stop only to the parent, so this polls.
void wait_until_stopped(int pid) {
  for (std::string state; state != "T"; std::this_thread::yield()) {
    std::string number, program;
    std::ifstream("/proc/" + std::to_string(pid) + "/stat") >> number >> program >> state;
    ASSERT_NE(state, "") << "it has gone";
  }
}

// The leader outlives the member: if it ended first, the kernel itself would end a stopped member (SIGHUP to an
// orphaned group, setpgid(2)).
TEST(Tree, AStoppedMemberIsContinuedAndRunsItsHandler) {
  AckPipe ack;
  Child child = Child::spawn(shell_command("sh", ack, R"(trap "" TERM; "$@" & wait)", {"handle", "TERM", "0"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  std::vector<int> members = live_members(child.pid());
  members.erase(std::remove(members.begin(), members.end(), child.pid()), members.end());
  ASSERT_EQ(members.size(), 1u);
  const Pidfd member(members[0]);
  ASSERT_TRUE(member.send(SIGSTOP));
  wait_until_stopped(members[0]);
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_TRUE(ack.wait_for("got SIGTERM"));
  EXPECT_TRUE(member.is_dead());
  EXPECT_TRUE(report.status.success());
  EXPECT_FALSE(report.forced);
  EXPECT_EQ(report.ended_by, AttemptPhase::kTerminate);
}

}  // namespace
}  // namespace warden::test_support

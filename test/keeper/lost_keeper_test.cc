// A keeper that somebody kills or stops: never an Ok for what is not known.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/proc.h"
#include "lib/os/process_table.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/keeper_of.h"
#include "test/support/process_status.h"
#include "warden/child.h"
#include "warden/terminate_all.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kShort = absl::Milliseconds(30);

// The keeper is the leader's parent.
class LostKeeper : public ::testing::Test {
 protected:
  void start(const std::vector<std::string>& mode) {
    child_ = std::make_unique<Child>(Child::spawn(test_command(ack_, mode).containment(Containment::kTree)).value());
    ack_.close_write();
  }
  void kill_keeper() {
    const Pidfd keeper(keeper_of(*child_));
    ASSERT_TRUE(keeper.send(SIGKILL));
    ASSERT_TRUE(keeper.wait_dead());
  }

  AckPipe ack_;
  std::unique_ptr<Child> child_;
};

TEST_F(LostKeeper, IsAnErrorThatSaysSo) {
  start({"fork", "new-session", "mark", "USR1", "--", "sleep"});
  const int escapee = wait_forked(ack_, {"ready", "child ready"});
  kill_keeper();
  const auto ended = child_->terminate_with_report(TerminationPolicy::service(kShort));
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, Errc::kContainmentLost) << ended.error();
  EXPECT_EQ(ended.error().containment, Containment::kTree);
  EXPECT_TRUE(Pidfd(child_->pid()).is_dead()) << "what is known is killed";
  EXPECT_TRUE(Pidfd(escapee).send(SIGKILL));
  EXPECT_TRUE(ack_.wait_eof());
  child_->detach_on_destruction();
}

TEST_F(LostKeeper, LeavesTheStatusOfAProgramToTheKernel) {
  start({"sleep"});
  ASSERT_TRUE(ack_.wait_for("ready"));
  kill_keeper();
  EXPECT_TRUE(ack_.wait_eof()) << "the program dies with its keeper";
  const ExitStatus status = child_->wait().value();
  const bool is_true =
      status == ExitStatus::lost() || status == ExitStatus::signaled(Signal::kill(), false);  // Linux 6.15
  EXPECT_TRUE(is_true) << status;
}

TEST_F(LostKeeper, ThatTheTreeItselfHasKilledIsNoticed) {
  start({"fork", "new-session", "stubborn", "--", "sleep"});
  const int escapee = wait_forked(ack_, {"ready", "child ready"});
  kill_keeper();
  const auto killed = child_->kill();
  ASSERT_FALSE(killed.has_value());
  EXPECT_EQ(killed.error().code, Errc::kContainmentLost);
  EXPECT_THAT(killed.error().to_string(), HasSubstr("the keeper of the tree was killed"));
  EXPECT_TRUE(Pidfd(escapee).send(SIGKILL));
  EXPECT_TRUE(ack_.wait_eof());
  child_->detach_on_destruction();
}

TEST_F(LostKeeper, IsAnErrorAfterANaturalEndToo) {
  start({"fork", "new-session", "stubborn"});
  const int escapee = wait_forked(ack_, {"child ready"});
  std::string text;
  internal::read_proc_file(("/proc/" + std::to_string(escapee) + "/stat").c_str(), &text);
  EXPECT_EQ(child_->wait().value(), ExitStatus::exited(0));
  // The orphan's parent is the keeper by now.
  int keeper_pid = 0;
  while (keeper_pid == 0 || keeper_pid == child_->pid()) {
    internal::read_proc_file(("/proc/" + std::to_string(escapee) + "/stat").c_str(), &text);
    keeper_pid = internal::parse_stat(text).value().parent;
  }
  const Pidfd keeper(keeper_pid);
  ASSERT_TRUE(keeper.send(SIGKILL));
  ASSERT_TRUE(keeper.wait_dead());
  const auto ended = child_->terminate_with_report(TerminationPolicy::service(kShort));
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, Errc::kContainmentLost) << ended.error();
  EXPECT_TRUE(Pidfd(escapee).send(SIGKILL));
  EXPECT_TRUE(ack_.wait_eof());
}

class StoppedKeeper : public LostKeeper {};

TEST_F(StoppedKeeper, IsWokenByAKill) {
  start({"fork", "new-session", "stubborn", "--", "stubborn"});
  ASSERT_GT(wait_forked(ack_, {"ready", "child ready"}), 0);
  ASSERT_TRUE(Pidfd(keeper_of(*child_)).send(SIGSTOP));
  child_->kill().value();
  EXPECT_TRUE(ack_.wait_eof());
}

TEST_F(StoppedKeeper, IsWokenByAGracefulSignal) {
  start({"fork", "new-session", "handle", "TERM", "0", "--", "handle", "TERM", "0"});
  ASSERT_GT(wait_forked(ack_, {"ready", "child ready"}), 0);
  ASSERT_TRUE(Pidfd(keeper_of(*child_)).send(SIGSTOP));
  EXPECT_FALSE(child_->terminate_with_report(TerminationPolicy::service(kBound)).value().forced);
  EXPECT_TRUE(ack_.wait_eof());
}

// A process of the tree that does nothing but that.
TEST_F(StoppedKeeper, AgainAndAgainIsWokenAsOften) {
  Command command("sh");
  command.args({"-c", "trap '' INT TERM; echo ready >&9; while :; do kill -STOP $PPID; done"});
  command.inherit_fd(ack_.write_fd(), 9).containment(Containment::kTree);
  child_ = std::make_unique<Child>(Child::spawn(command).value());
  ack_.close_write();
  ASSERT_TRUE(ack_.wait_for("ready"));
  child_->kill().value();
  EXPECT_TRUE(ack_.wait_eof());
}

class LimitedKeeper : public LostKeeper {};

bool has_pending_signal(int pid) { return process_status(pid, "ShdPnd").find_first_not_of("0") != std::string::npos; }

// As any process of the same user may limit it. poll(2) fails with EINVAL then, and nothing can be opened.
TEST_F(LimitedKeeper, ThatMayHaveNoFilesEndsTheTree) {
  start({"fork", "new-session", "stubborn", "--", "stubborn"});
  ASSERT_GT(wait_forked(ack_, {"ready", "child ready"}), 0);
  const struct rlimit none = {0, 0};
  const int keeper = keeper_of(*child_);
  ASSERT_EQ(::prlimit(keeper, RLIMIT_NOFILE, &none, nullptr), 0);
  ASSERT_TRUE(Pidfd(keeper).send(SIGCHLD));
  while (has_pending_signal(keeper)) {
  }
  child_->kill().value();
  EXPECT_TRUE(ack_.wait_eof());
}

// The first keeper can answer only once the second tree has its signal.
TEST(TracedKeeper, DoesNotHoldUpTheSignalOfAnotherTree) {
  AckPipe first_ack, second_ack;
  const Command first_command = test_command(first_ack, {"handle", "TERM", "3"}).containment(Containment::kTree);
  const Command second_command = test_command(second_ack, {"mark", "TERM"}).containment(Containment::kTree);
  Child first = Child::spawn(first_command).value();
  Child second = Child::spawn(second_command).value();
  ASSERT_TRUE(first_ack.wait_for("ready"));
  ASSERT_TRUE(second_ack.wait_for("ready"));
  const int keeper = keeper_of(first);
  if (::ptrace(PTRACE_SEIZE, keeper, 0, 0) != 0) GTEST_SKIP() << "this user may not trace a keeper";
  ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, keeper, 0, 0), 0);
  ASSERT_EQ(::waitpid(keeper, nullptr, __WALL), keeper);
  std::thread ends([&] {
    const auto ended = terminate_all({&first, &second}, TerminationPolicy::service(kBound));
    EXPECT_EQ(ended[0].value().status, ExitStatus::exited(3));
    EXPECT_THAT(ended[0].value().attempts.to_string(), HasSubstr("SIGTERM to tree: ok"));
  });
  EXPECT_TRUE(second_ack.wait_for("got SIGTERM"));
  EXPECT_EQ(::ptrace(PTRACE_DETACH, keeper, 0, 0), 0);
  second.kill().value();
  ends.join();
}

}  // namespace
}  // namespace warden::test_support

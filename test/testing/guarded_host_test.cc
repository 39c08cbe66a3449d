// However a test process ends, nothing is left of its children: as seen from outside.
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/pid_namespace.h"
#include "test/support/stranger.h"
#include "test/support/test_child_path.h"
#include "test/testing/open_files.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using warden::testing::internal::kPidfd;
using warden::testing::internal::open_files;

// Runs guarded_host with its children, all of whom live, and a stranger whom the guard must leave alone.
class GuardedHost {
 public:
  explicit GuardedHost(const std::string& end, const std::string& kind = "plain") {
    Command command(runfile_path("test/testing/guarded_host"));
    command.args({end, kind, test_child_path(), ack_.flag()}).inherit_fd(ack_.write_fd());
    host_ = std::make_unique<Child>(Child::spawn(command.stdin_from(Stdio::pipe())).value());
    ack_.close_write();
    process_ = std::make_unique<Pidfd>(host_->pid());
    stranger_ = std::make_unique<Child>(Child::spawn(test_command(stranger_ack_, {"mark", "USR1", "TERM"})).value());
    EXPECT_TRUE(stranger_ack_.wait_for("ready"));
    read_processes();
  }
  ~GuardedHost() {  // ends the orphans that a failed test leaves
    host_->kill().value();
    stranger_->kill().value();
    for (const auto& left : children_) EXPECT_TRUE(left->is_dead() || (left->send(SIGKILL) && left->wait_dead()));
    if (!guard_->is_dead()) guard_->send(SIGKILL);
  }
  GuardedHost(const GuardedHost&) = delete;
  GuardedHost& operator=(const GuardedHost&) = delete;

  int guard_pid() const { return guard_pid_; }
  const Pidfd& guard() const { return *guard_; }
  AckPipe& ack() { return ack_; }

  void expect_children_live() const {
    for (const auto& child : children_) EXPECT_FALSE(child->is_dead());
  }
  int first_leader() const { return leaders_[0]; }
  // The grandchild of that leader.
  int first_grandchild() const {
    return ::getpgid(grandchildren_[0]) == leaders_[0] ? grandchildren_[0] : grandchildren_[1];
  }
  // Lets the host go on to its end.
  void go_on() { host_->close_stdin(); }
  // Sends the signal to the test process alone.
  void send(int signal) { EXPECT_TRUE(process_->send(signal)); }

  // Requires that the host ends like that, that its children and the guard end with it, and that the stranger has got
  // no signal.
  void expect_ends(const ExitStatus& expected) {
    const auto status = host_->wait_for(kBound).value();
    ASSERT_TRUE(status.has_value()) << "it hangs";
    EXPECT_EQ(status->to_string(), expected.to_string());
    for (const auto& child : children_) EXPECT_TRUE(child->wait_dead()) << "a process of a child's group lives on";
    collect_orphans();
    EXPECT_TRUE(guard_->wait_dead()) << "the guard lives on";
    ASSERT_TRUE(stranger_->send_signal(Signal::user1()).has_value());
    EXPECT_EQ(stranger_ack_.wait_line(), "got SIGUSR1") << "and nothing before";
  }

 private:
  // As the first process of a pid namespace, reaps the orphans. The guard waits for that, within its bound.
  void collect_orphans() const {
    if (::getpid() != 1) return;
    for (const int pid : leaders_) ::waitpid(pid, nullptr, WNOHANG);
    for (const int pid : grandchildren_) ::waitpid(pid, nullptr, WNOHANG);
  }

  // Reads all lines of the host and its children, which shows that all have started. Two leaders live, and two
  // grandchildren.
  void read_processes() {
    constexpr int kLines = 13;
    for (int i = 0; i < kLines; ++i) {
      const std::string line = ack_.wait_line();
      ASSERT_FALSE(line.empty() || line == "(timeout)") << "the host says no more";
      int pid = 0;
      if (::sscanf(line.c_str(), "guard %d", &pid) == 1) {
        guard_pid_ = pid;
        guard_ = std::make_unique<Pidfd>(pid);
      } else if (::sscanf(line.c_str(), "forked %d", &pid) == 1) {
        grandchildren_.push_back(pid);
      } else if (::sscanf(line.c_str(), "leader %d", &pid) == 1) {
        leaders_.push_back(pid);
      }
    }
    ASSERT_EQ(leaders_.size(), 3u);
    ASSERT_EQ(grandchildren_.size(), 2u);
    for (const int pid : {leaders_[0], leaders_[2], grandchildren_[0], grandchildren_[1]}) {
      children_.push_back(std::make_unique<Pidfd>(pid));
    }
    expect_children_live();
  }

  AckPipe ack_, stranger_ack_;
  std::unique_ptr<Child> host_, stranger_;
  std::unique_ptr<Pidfd> process_, guard_;
  int guard_pid_ = -1;
  std::vector<int> leaders_, grandchildren_;
  std::vector<std::unique_ptr<Pidfd>> children_;  // the live ones
};

ExitStatus killed_by(int signal) { return ExitStatus::signaled(Signal::from_number(signal).value(), false); }

std::string name_of(const ::testing::TestParamInfo<const char*>& kind) {
  std::string name = kind.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
}

class EveryHost : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Hosts, EveryHost,
                         ::testing::Values("plain", "ignores-sigchld", "has-thief", "refused-group-signals"), name_of);

TEST_P(EveryHost, ThatIsKilledLeavesNothing) {
  GuardedHost host("wait", GetParam());
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

// Where the kernel cannot signal a group through a pidfd, the guard holds a pipe whose owner is the group.
TEST(GuardedHost, HasAGuardWithTwoPipesForEachGroupWhereGroupSignalsAreRefused) {
  GuardedHost host("wait", "refused-group-signals");
  EXPECT_THAT(open_files(host.guard_pid()),
              ElementsAre(kPidfd, kPidfd, kPidfd, kPidfd, "pipe", "pipe", "pipe", "pipe", "socket"));
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

class EitherKernel : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kernels, EitherKernel, ::testing::Values("plain", "refused-group-signals"), name_of);

// The guard becomes a child of this process once its own parent has ended.
TEST_P(EitherKernel, HasAGuardThatSparesAStrangerWithTheNumberOfAGroupThatHasGone) {
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  run_in_pid_namespace([] {
    GuardedHost host("release", GetParam());
    const int grandchild = host.first_grandchild();
    host.go_on();
    ASSERT_TRUE(host.ack().wait_for("release"));
    ASSERT_EQ(::waitpid(grandchild, nullptr, 0), grandchild) << "it has the group's number until then";
    const Stranger stranger(host.first_leader(), /*leads_group=*/true);
    ASSERT_EQ(stranger.pid(), host.first_leader());
    host.send(SIGKILL);
    host.expect_ends(killed_by(SIGKILL));
    EXPECT_THAT(stranger.signals(), IsEmpty());
    EXPECT_EQ(::waitpid(host.guard_pid(), nullptr, __WALL), host.guard_pid());
  });
}

TEST(GuardedHost, ThatIsTerminatedLeavesNothing) {
  GuardedHost host("wait");
  host.send(SIGTERM);
  host.expect_ends(killed_by(SIGTERM));
}

TEST(GuardedHost, ThatExitsLeavesNothing) {
  GuardedHost host("exit");
  host.go_on();
  host.expect_ends(ExitStatus::exited(0));
}

TEST(GuardedHost, ThatExitsWithoutCleaningUpLeavesNothing) {
  GuardedHost host("_exit");
  host.go_on();
  host.expect_ends(ExitStatus::exited(0));
}

TEST(GuardedHost, ThatAbortsLeavesNothing) {
  GuardedHost host("abort");
  host.go_on();
  host.expect_ends(killed_by(SIGABRT));
}

bool has_socket(int pid) {
  const std::vector<std::string> files = open_files(pid);
  return std::count(files.begin(), files.end(), "socket") > 0;
}

// An exec closes the host's end of the guard's socket and is no end of the host: the process lives.
TEST(GuardedHost, ThatExecutesAnotherProgramIsGuardedUntilThatEnds) {
  GuardedHost host("exec");
  host.go_on();
  EXPECT_TRUE(host.ack().wait_for("ready"));
  while (has_socket(host.guard_pid())) std::this_thread::yield();
  EXPECT_FALSE(host.guard().is_dead()) << "it has seen the end of the conversation";
  host.expect_children_live();
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

// A death test does this.
TEST(GuardedHost, IsGuardedWhileAForkedCopyOfItDies) {
  GuardedHost host("copy");
  host.go_on();
  EXPECT_TRUE(host.ack().wait_for("copy"));
  EXPECT_FALSE(host.guard().is_dead());
  host.expect_children_live();
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

TEST(GuardedHost, ThatEndsItsGuardKeepsItsChildren) {
  GuardedHost host("stop");
  host.go_on();
  EXPECT_TRUE(host.ack().wait_for("stop"));
  EXPECT_TRUE(host.guard().is_dead());
  host.send(SIGKILL);
  host.expect_children_live();
}

}  // namespace
}  // namespace warden::test_support

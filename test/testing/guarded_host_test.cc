// However a test process ends, nothing is left of its children: seen from outside.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/test_child_path.h"
#include "test/testing/open_files.h"
#include "warden/child.h"

namespace warden {
namespace {

using testing::AckPipe;
using ::testing::ElementsAre;
using testing::kBound;
using testing::Pidfd;
using testing::test_command;
using warden_testing::internal::kPidfd;
using warden_testing::internal::open_files;

// guarded_host with its children, each of whom lives, and somebody whom all that does not concern.
class GuardedHost {
 public:
  explicit GuardedHost(const std::string& end, const std::string& kind = "plain") {
    Command command(testing::runfile_path("test/testing/guarded_host"));
    command.args({end, kind, testing::test_child_path(), ack_.flag()}).inherit_fd(ack_.write_fd());
    host_ = std::make_unique<Child>(Child::spawn(command.stdin_from(Stdio::pipe())).value());
    ack_.close_write();
    process_ = std::make_unique<Pidfd>(host_->pid());
    stranger_ = std::make_unique<Child>(Child::spawn(test_command(stranger_ack_, {"mark", "USR1", "TERM"})).value());
    EXPECT_TRUE(stranger_ack_.wait_for("ready"));
    read_processes();
  }
  ~GuardedHost() {  // nobody else ends the orphans that a failed test leaves
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
  // Lets it go on to its end.
  void go_on() { host_->close_stdin(); }
  // Only the test process itself gets it.
  void send(int signal) { EXPECT_TRUE(process_->send(signal)); }

  // It ends so, and with it everybody but the stranger, to whom nothing has been sent.
  void expect_ends(const ExitStatus& expected) {
    const auto status = host_->wait_for(kBound).value();
    ASSERT_TRUE(status.has_value()) << "it hangs";
    EXPECT_EQ(status->to_string(), expected.to_string());
    for (const auto& child : children_) EXPECT_TRUE(child->wait_dead()) << "a process of a child's group lives on";
    EXPECT_TRUE(guard_->wait_dead()) << "the guard lives on";
    ASSERT_TRUE(stranger_->send_signal(Signal::user1()).has_value());
    EXPECT_EQ(stranger_ack_.wait_line(), "got SIGUSR1") << "and nothing before";
  }

 private:
  // Two leaders that live, and two grandchildren: the leader of one has ended.
  void read_processes() {
    for (std::string line = ack_.wait_line(); line != "watched"; line = ack_.wait_line()) {
      ASSERT_FALSE(line.empty() || line == "(timeout)") << "the host says no more";
      int pid = 0;
      if (::sscanf(line.c_str(), "guard %d", &pid) == 1) {
        guard_pid_ = pid;
        guard_ = std::make_unique<Pidfd>(pid);
      } else if (::sscanf(line.c_str(), "forked %d", &pid) == 1 || ::sscanf(line.c_str(), "leader %d", &pid) == 1) {
        children_.push_back(std::make_unique<Pidfd>(pid));
      } else {
        EXPECT_TRUE(line == "ready" || line == "child ready" || line == "eof 0") << line;
      }
    }
    ASSERT_EQ(children_.size(), 5u);
    EXPECT_TRUE(children_[3]->is_dead()) << "the second leader";
    children_.erase(children_.begin() + 3);
    expect_children_live();
    // The last grandchild and the last child need not have got so far: both ignore signals then.
  }

  AckPipe ack_, stranger_ack_;
  std::unique_ptr<Child> host_, stranger_;
  std::unique_ptr<Pidfd> process_, guard_;
  int guard_pid_ = -1;
  std::vector<std::unique_ptr<Pidfd>> children_;
};

ExitStatus killed_by(int signal) { return ExitStatus::signaled(Signal::from_number(signal).value(), false); }

class EveryHost : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Hosts, EveryHost,
                         ::testing::Values("plain", "ignores-sigchld", "has-thief", "refused-group-signals"),
                         [](const auto& kind) {
                           std::string name = kind.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST_P(EveryHost, ThatIsKilledLeavesNothing) {
  GuardedHost host("wait", GetParam());
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

// Where the kernel cannot signal a group through a pidfd, the guard holds a pipe that the group owns.
TEST(GuardedHost, HasAGuardWithTwoPipesForEachGroupWhereGroupSignalsAreRefused) {
  GuardedHost host("wait", "refused-group-signals");
  EXPECT_THAT(open_files(host.guard_pid()),
              ElementsAre(kPidfd, kPidfd, kPidfd, kPidfd, "pipe", "pipe", "pipe", "pipe", "socket"));
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
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

long switches_of(int pid) {
  long switches = -1;
  char line[256];
  FILE* const status = ::fopen(("/proc/" + std::to_string(pid) + "/status").c_str(), "re");
  while (status != nullptr && ::fgets(line, sizeof line, status) != nullptr) {
    if (::sscanf(line, "voluntary_ctxt_switches: %ld", &switches) == 1) break;
  }
  if (status != nullptr) ::fclose(status);
  return switches;
}

// An exec closes the guard's conversation, and is no end: the process lives.
TEST(GuardedHost, ThatExecutesAnotherProgramIsGuardedUntilThatEnds) {
  GuardedHost host("exec");
  const long before = switches_of(host.guard_pid());
  host.go_on();
  EXPECT_TRUE(host.ack().wait_for("ready"));
  while (!host.guard().is_dead() && switches_of(host.guard_pid()) <= before) std::this_thread::yield();
  EXPECT_FALSE(host.guard().is_dead()) << "it has seen the end of the conversation";
  host.expect_children_live();
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

// As a death test.
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
}  // namespace warden

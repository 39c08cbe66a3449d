// However a host ends, nothing is left of its trees: as seen from outside.
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/proc.h"
#include "lib/os/process_table.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/pid_namespace.h"
#include "test/support/stranger.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;

// Runs kept_host with its trees, all of which live, and a stranger whom the keepers must leave alone.
class KeptHost {
 public:
  explicit KeptHost(const std::string& end, const std::string& kind = "plain") {
    Command command(runfile_path("test/keeper/kept_host"));
    command.args({end, kind, test_child_path(), ack_.flag()}).inherit_fd(ack_.write_fd());
    host_ = std::make_unique<Child>(Child::spawn(command.stdin_from(Stdio::pipe())).value());
    ack_.close_write();
    process_ = std::make_unique<Pidfd>(host_->pid());
    stranger_ = std::make_unique<Child>(Child::spawn(test_command(stranger_ack_, {"mark", "USR1", "TERM"})).value());
    EXPECT_TRUE(stranger_ack_.wait_for("ready"));
    read_processes();
  }
  ~KeptHost() {  // ends the orphans that a failed test leaves
    host_->kill().value();
    stranger_->kill().value();
    for (const auto& left : children_) EXPECT_TRUE(left->is_dead() || (left->send(SIGKILL) && left->wait_dead()));
    for (const auto& left : keepers_) EXPECT_TRUE(left->is_dead() || (left->send(SIGKILL) && left->wait_dead()));
  }
  KeptHost(const KeptHost&) = delete;
  KeptHost& operator=(const KeptHost&) = delete;

  AckPipe& ack() { return ack_; }

  void expect_children_live() const {
    for (const auto& child : children_) EXPECT_FALSE(child->is_dead());
    for (const auto& keeper : keepers_) EXPECT_FALSE(keeper->is_dead());
  }
  int first_leader() const { return leaders_[0]; }
  // Waits until each keeper sleeps: what has happened before does not let it, until it has acted on it.
  void wait_for_keepers() const {
    for (const int pid : keeper_pids_) {
      while (state_of(pid) != 'S') std::this_thread::yield();
    }
  }
  // Lets the host go on to its end.
  void go_on() { host_->close_stdin(); }
  // Sends the signal to the host alone.
  void send(int signal) { EXPECT_TRUE(process_->send(signal)); }

  void expect_host_ends(const ExitStatus& expected) {
    const auto status = host_->wait_for(kBound).value();
    ASSERT_TRUE(status.has_value()) << "it hangs";
    EXPECT_EQ(status->to_string(), expected.to_string());
  }
  // Requires that the host ends like that, that its trees and the keepers end with it, and that the stranger has got no
  // signal.
  void expect_ends(const ExitStatus& expected) {
    expect_host_ends(expected);
    for (const auto& child : children_) EXPECT_TRUE(child->wait_dead()) << "a process of a tree lives on";
    for (const auto& keeper : keepers_) EXPECT_TRUE(keeper->wait_dead()) << "a keeper lives on";
    EXPECT_TRUE(ack_.wait_eof());
    collect_orphans();
    ASSERT_TRUE(stranger_->send_signal(Signal::user1()).has_value());
    EXPECT_EQ(stranger_ack_.wait_line(), "got SIGUSR1") << "and nothing before";
  }

 private:
  static char state_of(int pid) {
    std::string stat;
    internal::read_proc_file(("/proc/" + std::to_string(pid) + "/stat").c_str(), &stat);
    return internal::parse_stat(stat).value_or(internal::ProcessStat()).state;
  }

  // As the first process of a pid namespace, reaps the orphans.
  void collect_orphans() const {
    if (::getpid() != 1) return;
    for (const int pid : keeper_pids_) ::waitpid(pid, nullptr, 0);
  }

  // Reads all lines of the host and its children, which shows that all have started: the three leaders and the two
  // grandchildren are ready. One of the leaders has ended by then. Two leaders live, and two grandchildren.
  void read_processes() {
    int ready = 0;
    std::vector<int> grandchildren;
    for (bool is_watched = false; !is_watched || ready < 5 || grandchildren.size() < 2;) {
      const std::string line = ack_.wait_line();
      ASSERT_FALSE(line.empty() || line == "(timeout)") << "the host says no more";
      int pid = 0;
      if (line == "watched") is_watched = true;
      if (line.size() >= 5 && line.compare(line.size() - 5, 5, "ready") == 0) ++ready;
      if (::sscanf(line.c_str(), "keeper %d", &pid) == 1) keeper_pids_.push_back(pid);
      if (::sscanf(line.c_str(), "leader %d", &pid) == 1) leaders_.push_back(pid);
      if (::sscanf(line.c_str(), "forked %d", &pid) == 1) grandchildren.push_back(pid);
    }
    ASSERT_EQ(leaders_.size(), 3u);
    ASSERT_EQ(keeper_pids_.size(), 3u);
    for (const int pid : {leaders_[0], leaders_[2], grandchildren[0], grandchildren[1]}) {
      children_.push_back(std::make_unique<Pidfd>(pid));
    }
    for (const int pid : keeper_pids_) keepers_.push_back(std::make_unique<Pidfd>(pid));
    expect_children_live();
  }

  AckPipe ack_, stranger_ack_;
  std::unique_ptr<Child> host_, stranger_;
  std::unique_ptr<Pidfd> process_;
  std::vector<int> leaders_, keeper_pids_;
  std::vector<std::unique_ptr<Pidfd>> children_, keepers_;  // the live ones
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
  KeptHost host("wait", GetParam());
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

class EitherKernel : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kernels, EitherKernel, ::testing::Values("plain", "refused-group-signals"), name_of);

TEST_P(EitherKernel, SparesAStrangerWithTheNumberOfAGroupThatHasGone) {
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  run_in_pid_namespace([] {
    KeptHost host("release", GetParam());
    host.go_on();
    ASSERT_TRUE(host.ack().wait_for("release"));
    const Stranger stranger(host.first_leader(), /*leads_group=*/true);
    ASSERT_EQ(stranger.pid(), host.first_leader());
    host.send(SIGKILL);
    host.expect_ends(killed_by(SIGKILL));
    EXPECT_THAT(stranger.signals(), IsEmpty());
  });
}

TEST(KeptHost, ThatIsTerminatedLeavesNothing) {
  KeptHost host("wait");
  host.send(SIGTERM);
  host.expect_ends(killed_by(SIGTERM));
}

TEST(KeptHost, ThatExitsLeavesNothing) {
  KeptHost host("exit");
  host.go_on();
  host.expect_ends(ExitStatus::exited(0));
}

TEST(KeptHost, ThatExitsWithoutCleaningUpLeavesNothing) {
  KeptHost host("_exit");
  host.go_on();
  host.expect_ends(ExitStatus::exited(0));
}

TEST(KeptHost, ThatAbortsLeavesNothing) {
  KeptHost host("abort");
  host.go_on();
  host.expect_ends(killed_by(SIGABRT));
}

// An exec closes the host's end of the sockets and is no end of the host: the process lives.
TEST(KeptHost, ThatExecutesAnotherProgramKeepsItsTreesUntilThatEnds) {
  KeptHost host("exec");
  host.go_on();
  EXPECT_TRUE(host.ack().wait_for("ready"));
  host.wait_for_keepers();  // the sockets have ended
  host.expect_children_live();
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

// A death test does this.
TEST(KeptHost, KeepsItsTreesWhileAForkedCopyOfItDies) {
  KeptHost host("copy");
  host.go_on();
  EXPECT_TRUE(host.ack().wait_for("copy"));
  host.expect_children_live();
  host.send(SIGKILL);
  host.expect_ends(killed_by(SIGKILL));
}

// The order to let go comes with the end of the host.
TEST(KeptHost, ThatLetsItsTreesGoAndEndsAtOnceLeavesThemAlone) {
  KeptHost host("let-go");
  host.go_on();
  host.expect_host_ends(ExitStatus::exited(0));
  host.wait_for_keepers();
  host.expect_children_live();
}

}  // namespace
}  // namespace warden::test_support

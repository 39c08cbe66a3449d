// What leaves the group does not leave the tree. Each process of a tree holds the acknowledgement pipe: its end of file
// shows that all have gone, without /proc.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/kernel_abi.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"
#include "warden/terminate_all.h"

namespace warden::test_support {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(30);

Child spawn_tree(AckPipe& ack, const std::vector<std::string>& mode) {
  Child child = Child::spawn(test_command(ack, mode).containment(Containment::kTree)).value();
  ack.close_write();
  return child;
}

// A shell script in which "$@" is test_child with its acknowledgements, and the mode.
Child spawn_script(AckPipe& ack, const std::string& script, const std::vector<std::string>& mode) {
  Command command("sh");
  command.args({"-c", script, "sh", test_child_path(), ack.flag()}).args(mode).inherit_fd(ack.write_fd());
  Child child = Child::spawn(command.containment(Containment::kTree)).value();
  ack.close_write();
  return child;
}

std::string text_of(const AttemptLog& log) { return log.to_string(); }

TEST(Containment, IsTheGroupUnlessAskedFor) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  EXPECT_EQ(child.containment(), Containment::kGroup);
  EXPECT_EQ(child.terminate_with_report(TerminationPolicy::immediate()).value().containment, Containment::kGroup);
}

TEST(Containment, IsToldByChildAndReport) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"sleep"});
  ASSERT_TRUE(ack.wait_for("ready"));
  EXPECT_EQ(child.containment(), Containment::kTree);
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_EQ(report.containment, Containment::kTree);
  EXPECT_EQ(report.status, ExitStatus::signaled(Signal::terminate(), false));
  EXPECT_THAT(text_of(report.attempts), HasSubstr("terminate send_signal SIGTERM to tree: ok: 1 process\n"));
  EXPECT_THAT(text_of(report.attempts), HasSubstr("terminate sweep of tree: ok"));
}

TEST(Containment, TakesTheFirstOfAListThatCanBeHad) {
  Command command = test_command({"sleep"});
  Child child = Child::spawn(command.containment({Containment::kTree, Containment::kGroup})).value();
  EXPECT_EQ(child.containment(), Containment::kTree);
  child.kill().value();
}

TEST(Tree, StatusIsTheProgramsOwn) {
  for (const std::string code : {"0", "3", "255"}) {
    Child child = Child::spawn(test_command({"exit", code}).containment(Containment::kTree)).value();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(std::stoi(code)));
  }
  Child child = Child::spawn(test_command({"die", "SEGV"}).containment(Containment::kTree)).value();
  const ExitStatus status = child.wait().value();
  EXPECT_EQ(status.signal(), Signal::from_number(SIGSEGV).value());
  EXPECT_TRUE(status.resource_usage().has_value());
}

TEST(Tree, ResourceUsageIsTheProgramsOwn) {
  Command command("sh");
  command.args({"-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"}).containment(Containment::kTree);
  Child child = Child::spawn(command).value();
  const std::optional<ResourceUsage> usage = child.wait().value().resource_usage();
  ASSERT_TRUE(usage.has_value());
  EXPECT_GT(usage->user_time + usage->system_time, absl::ZeroDuration());
  EXPECT_GT(usage->max_rss_kib, 0);
}

// Before Linux 6.15 the keeper alone knows the status.
TEST(Tree, StatusIsTheKeepersWhereTheKernelTellsNone) {
  constexpr int kTimes = 300;
  run_isolated([] {
    const auto get_info = static_cast<std::uint32_t>(internal::kPidfdGetInfo);
    ASSERT_TRUE(refuse_system_calls({{SYS_ioctl, ENOTTY, RefusedCall::When::kArgumentIs, get_info, 1}}));
    for (int i = 0; i < kTimes; ++i) {
      Child child = Child::spawn(test_command({"sleep"}).containment(Containment::kTree)).value();
      ASSERT_EQ(child.kill().value(), ExitStatus::signaled(Signal::kill(), false)) << i;
    }
  });
}

// An escapee that ignores what can be ignored, and what is left of it when each kind of call has returned.
struct Escape {
  const char* name;
  std::vector<std::string> mode;
  int forks;  // how many are there beside the leader
};

void PrintTo(const Escape& escape, std::ostream* out) { *out << escape.name; }

class EveryEscape : public ::testing::TestWithParam<Escape> {
 protected:
  // Starts the tree and waits until all of it has gone where it goes.
  Child start() {
    Child child = spawn_tree(ack_, GetParam().mode);
    for (int ready = 0; ready < GetParam().forks;) {
      const std::string line = ack_.wait_line();
      if (line.empty() || line == "(timeout)") {
        ADD_FAILURE() << "the tree says no more";
        break;
      }
      if (line.size() >= 5 && line.compare(line.size() - 5, 5, "ready") == 0) ++ready;
    }
    return child;
  }

  AckPipe ack_;
};

INSTANTIATE_TEST_SUITE_P(
    Escapes, EveryEscape,
    ::testing::Values(
        Escape{"Setsid", {"fork", "new-session", "stubborn", "--", "stubborn"}, 2},
        Escape{"OwnGroup", {"fork", "new-group", "stubborn", "--", "stubborn"}, 2},
        Escape{"DoubleFork", {"fork", "new-session", "fork", "new-session", "stubborn", "--", "stubborn"}, 2},
        Escape{"LeaderExitsFirst", {"fork", "new-session", "stubborn"}, 1},
        Escape{"Deep",
               {"fork", "new-session", "fork", "new-session", "fork", "new-session", "fork", "new-session", "fork",
                "new-session", "stubborn"},
               1},
        Escape{"Two", {"fork", "new-session", "fork", "new-group", "stubborn", "--", "stubborn", "--", "stubborn"}, 3}),
    [](const ::testing::TestParamInfo<Escape>& escape) { return escape.param.name; });

TEST_P(EveryEscape, IsEndedByKill) {
  Child child = start();
  child.kill().value();
  EXPECT_TRUE(ack_.wait_eof());
}

TEST_P(EveryEscape, IsEndedByTheEndOfAPolicy) {
  Child child = start();
  const TerminationReport report =
      child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort)).value();
  EXPECT_TRUE(report.forced);
  EXPECT_THAT(sent_signals(report.attempts), ElementsAre("SIGINT tree", "SIGTERM tree", "SIGKILL tree"));
  EXPECT_TRUE(ack_.wait_eof());
}

TEST_P(EveryEscape, IsEndedByTheDestructor) {
  {
    Child child = start();
    child.kill_on_destruction();
  }
  EXPECT_TRUE(ack_.wait_eof());
}

TEST_P(EveryEscape, IsEndedByTerminateAll) {
  std::vector<Child> children;
  children.push_back(start());
  children.push_back(Child::spawn(test_command({"sleep"})).value());
  for (const auto& outcome : terminate_all(children, TerminationPolicy::service(kShort))) {
    EXPECT_TRUE(outcome.has_value()) << outcome.error();
  }
  EXPECT_TRUE(ack_.wait_eof());
}

TEST_P(EveryEscape, IsEndedByWaitOrTerminate) {
  Child child = start();
  Child other = Child::spawn(test_command({"sleep"})).value();
  const auto ended = child.wait_or_terminate(absl::ZeroDuration(), TerminationPolicy::immediate());
  ASSERT_TRUE(ended.has_value());
  if (ended.value().timed_out()) {
    EXPECT_TRUE(ack_.wait_eof());
  } else {
    child.kill().value();  // the leader had ended by itself
    EXPECT_TRUE(ack_.wait_eof());
  }
  other.kill().value();
}

TEST(Tree, EveryoneGetsAGracefulSignalOnce) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"fork", "new-session", "fork", "new-group", "mark", "TERM", "USR1", "--", "mark",
                                 "TERM", "USR1", "--", "mark", "TERM", "USR1"});
  std::vector<std::string> lines;
  for (int ready = 0; ready < 3;) {
    const std::string line = ack.wait_line();
    ASSERT_NE(line, "(timeout)");
    if (line.find("ready") != std::string::npos) ++ready;
  }
  ASSERT_TRUE(child.send_signal(Signal::user1()).has_value());
  for (int i = 0; i < 3; ++i) lines.push_back(ack.wait_line());
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre("got SIGUSR1", "child got SIGUSR1", "child child got SIGUSR1"));
  EXPECT_THAT(text_of(child.attempt_log()), HasSubstr("to tree: ok: 3 processes"));
  // A second signal shows that the first came once.
  ASSERT_TRUE(child.send_terminate_signal().has_value());
  lines.clear();
  for (int i = 0; i < 3; ++i) lines.push_back(ack.wait_line());
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre("got SIGTERM", "child got SIGTERM", "child child got SIGTERM"));
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

// The lists of children are per thread.
TEST(Tree, AChildOfASecondThreadIsReachedToo) {
  AckPipe ack;
  Command command("python3");
  const std::string script =
      "import threading, subprocess, sys, time\n"
      "def run():\n"
      "  subprocess.Popen(sys.argv[1:], pass_fds=[int(sys.argv[2][6:])], start_new_session=True)\n"
      "  time.sleep(1000)\n"
      "threading.Thread(target=run).start()\n";
  command.args({"-c", script, test_child_path(), ack.flag(), "handle", "TERM", "0"}).inherit_fd(ack.write_fd());
  auto spawned = Child::spawn(command.containment(Containment::kTree));
  if (!spawned) GTEST_SKIP() << spawned.error();
  Child child = std::move(spawned).value();
  ack.close_write();
  ASSERT_TRUE(ack.wait_for("ready"));
  child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_TRUE(ack.wait_eof());
}

TEST(Tree, AStoppedProcessOfItRunsItsHandler) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"fork", "new-session", "stop", "handle", "TERM", "0", "--", "sleep"});
  const int escapee = wait_forked(ack, {"ready", "child stopping"});
  ASSERT_GT(escapee, 0);
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_FALSE(report.forced);
  EXPECT_TRUE(ack.wait_eof());
}

TEST(Tree, ANaturalEndEndsNothing) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"fork", "new-session", "mark", "USR1"});
  const int escapee = wait_forked(ack, {"child ready"});
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(0));
  const Pidfd process(escapee);
  EXPECT_FALSE(process.is_dead());
  ASSERT_TRUE(process.send(SIGUSR1));
  EXPECT_EQ(ack.wait_line(), "child got SIGUSR1");
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::immediate()).value();
  EXPECT_EQ(report.status, ExitStatus::exited(0));
  EXPECT_THAT(report.survivors, ElementsAre(Survivor{escapee, "test_child"}));
  EXPECT_TRUE(ack.wait_eof());
}

TEST(Tree, ThatEndsByItselfIsFoundEmpty) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"fork", "new-session", "handle", "USR1", "0"});
  const int escapee = wait_forked(ack, {"child ready"});
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(0));
  ASSERT_TRUE(Pidfd(escapee).send(SIGUSR1));
  EXPECT_TRUE(ack.wait_for("child got SIGUSR1"));
  EXPECT_TRUE(ack.wait_eof());
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_FALSE(report.forced);
}

TEST(Tree, ThatIsLetGoLivesOn) {
  AckPipe ack;
  int leader_pid = -1, escapee_pid = -1;
  {
    Child child = spawn_tree(ack, {"fork", "new-session", "mark", "USR1", "--", "mark", "USR1"});
    leader_pid = child.pid();
    escapee_pid = wait_forked(ack, {"ready", "child ready"});
    child.detach_on_destruction();
  }
  const Pidfd leader(leader_pid), escapee(escapee_pid);
  ASSERT_TRUE(escapee.send(SIGUSR1));
  EXPECT_EQ(ack.wait_line(), "child got SIGUSR1");
  ASSERT_TRUE(leader.send(SIGUSR1));
  EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
  EXPECT_TRUE(leader.send(SIGKILL));
  EXPECT_TRUE(escapee.send(SIGKILL));
  EXPECT_TRUE(ack.wait_eof());
  EXPECT_TRUE(wait_until_childless()) << "the keeper ends with the last of them, and is collected";
}

TEST(Tree, WithoutAGroupOfItsOwnIsEndedAndTheHostsGroupLeftAlone) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "new-session", "stubborn", "--", "stubborn"})
                                 .group(false)
                                 .containment(Containment::kTree))
                    .value();
  ack.close_write();
  ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
  EXPECT_EQ(::getpgid(child.pid()), ::getpgrp());
  child.terminate_with_report(TerminationPolicy::service(kShort)).value();  // this process has no handler for SIGTERM
  EXPECT_TRUE(ack.wait_eof());
}

TEST(Tree, InASessionOfItsOwnIsEnded) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"fork", "new-group", "stubborn", "--", "stubborn"})
                                 .new_session(true)
                                 .containment(Containment::kTree))
                    .value();
  ack.close_write();
  ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
  EXPECT_EQ(::getsid(child.pid()), child.pid());
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

// What program and host see (docs/containment.md).
TEST(Tree, TheProgramsParentIsTheKeeperInTheHostsSession) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"report"}).containment(Containment::kTree)).value();
  const auto report = ack.read_report();
  const int keeper = std::stoi(report.at("ppid"));
  EXPECT_NE(keeper, ::getpid());
  EXPECT_EQ(report.at("pid"), std::to_string(child.pid()));
  EXPECT_EQ(report.at("sid"), std::to_string(::getsid(0)));
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(0));
}

TEST(Tree, TheHostsWaitForTheNumberFindsNoChild) {
  Child child = Child::spawn(test_command({"sleep"}).containment(Containment::kTree)).value();
  EXPECT_EQ(::waitpid(child.pid(), nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  child.kill().value();
}

TEST(Tree, ADaemonOfAShellIsEndedInTheTerminatePhase) {
  AckPipe ack;
  Child child = spawn_script(ack, R"(setsid "$@" & sleep 1000)", {"handle", "TERM", "0"});
  ASSERT_TRUE(ack.wait_for("ready"));
  const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
  EXPECT_FALSE(report.forced);
  EXPECT_EQ(ack.wait_line(), "got SIGTERM");
  EXPECT_TRUE(ack.wait_eof());
}

// Their parent dies of the signal at once.
TEST(Tree, OrphansOfTheSignalGetItToo) {
  for (int i = 0; i < 20; ++i) {
    AckPipe ack;
    Child child =
        spawn_script(ack, R"(setsid sh -c '"$@" & "$@" & wait' sh "$@" & sleep 1000)", {"handle", "TERM", "0"});
    for (int ready = 0; ready < 2; ++ready) ASSERT_TRUE(ack.wait_for("ready"));
    const TerminationReport report = child.terminate_with_report(TerminationPolicy::service(kBound)).value();
    ASSERT_FALSE(report.forced) << report;
    EXPECT_EQ(ack.wait_line(), "got SIGTERM");
    EXPECT_EQ(ack.wait_line(), "got SIGTERM");
    EXPECT_TRUE(ack.wait_eof());
  }
}

TEST(Tree, OfManyDaemonsIsEnded) {
  AckPipe ack;
  Child child = spawn_script(ack, R"(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
      do setsid "$@" & setsid "$@" & setsid "$@" & setsid "$@" & setsid "$@" & done; exit 0)",
                             {"stubborn"});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ack.wait_for("ready"));
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

// A chain that forks without end, each parent exiting, outside the group. It ends when nobody reads the pipe any more.
TEST(Tree, AChainOfForksIsEnded) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"fork", "new-session", "chain", "--", "stubborn"});
  ASSERT_TRUE(ack.wait_for("child ready"));
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

// The program cannot die before its tracer does, which is no child of the keeper's while the program lives.
TEST(Tree, WhoseProgramIsHeldInItsExitByATracerOfItIsEnded) {
  AckPipe ack;
  Child child = spawn_tree(ack, {"held"});
  ASSERT_TRUE(ack.wait_for("holds"));
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

TEST(Tree, NestedTreesEndTogether) {
  AckPipe ack;
  Child child = spawn_script(ack, R"(timeout 1000 setsid "$@" & timeout 1000 timeout 1000 "$@" & wait)", {"stubborn"});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(ack.wait_for("ready"));
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

}  // namespace
}  // namespace warden::test_support

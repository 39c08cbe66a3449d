// A child that is the first process of a pid namespace, or has started it (unshare --pid --fork, bwrap, linux-sandbox).
// The kernel delivers no signal but SIGKILL to such a process where it has no handler (pid_namespaces(7)), and ends the
// whole namespace with it.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/pid_namespace.h"
#include "test/support/seccomp_filter.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kShort = absl::Milliseconds(30);

// The parameter: on this kernel, or on one that cannot signal a group by a pidfd.
class NamespaceInit : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    const std::string reason = why_no_pid_namespace();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  static void run(const std::function<void()>& body) {
    run_isolated([&body] {
      if (!GetParam() || refuse_system_calls({refused_group_signals()})) body();
    });
  }

  // Spawns a child that is the first process of a namespace and leads a group. The child and what it forked are ready.
  static Child adopt_init(AckPipe& ack, std::vector<std::string> mode) {
    mode.insert(mode.begin(), {test_child_path(), ack.flag()});
    std::vector<char*> arguments;
    for (std::string& argument : mode) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    int pid = clone_into(CLONE_NEWPID, arguments);
    if (pid < 0) pid = clone_into(CLONE_NEWPID | CLONE_NEWUSER, arguments);
    wait_forked(ack, {"child ready", "ready"});
    return Child::adopt(pid).value();
  }

  // Every process of the namespace holds the pipe. No process may be left at the moment when a call returns.
  static bool is_forsaken(AckPipe& ack) {
    ack.close_write();
    pollfd polled = {ack.read_fd(), POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
  }

 private:
  static int clone_into(unsigned flags, const std::vector<char*>& arguments) {
    const auto pid = static_cast<int>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (pid != 0) return pid;
    ::setpgid(0, 0);
    const std::string flag = arguments[1];
    ::fcntl(std::stoi(flag.substr(flag.find('=') + 1)), F_SETFD, 0);
    ::execv(arguments[0], arguments.data());
    ::_exit(99);
  }
};

// A process of the namespace has left the group for a session of its own, where the library sends no signal.
TEST_P(NamespaceInit, WithoutHandlersIsKilledAndItsWholeNamespaceWithIt) {
  run([] {
    AckPipe ack;
    Child child = adopt_init(ack, {"fork", "new-session", "stubborn", "--", "sleep"});
    const auto report = child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_TRUE(is_forsaken(ack));
    EXPECT_EQ(report.value().status.signal(), Signal::kill());
    EXPECT_EQ(report.value().ended_by, AttemptPhase::kKill);
    EXPECT_EQ(report.value().cause, EndCause::kByUs);
    EXPECT_TRUE(report.value().forced);
    EXPECT_THAT(report.value().survivors, IsEmpty());
    EXPECT_THAT(sent_signals(report.value().attempts), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
  });
}

TEST_P(NamespaceInit, WithAHandlerObeysAndItsNamespaceEndsWithIt) {
  run([] {
    AckPipe ack;
    Child child = adopt_init(ack, {"fork", "new-session", "stubborn", "--", "handle", "TERM", "3"});
    const auto report = child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kBound));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_TRUE(is_forsaken(ack));
    EXPECT_EQ(report.value().status, ExitStatus::exited(3));
    EXPECT_EQ(report.value().ended_by, AttemptPhase::kTerminate);
    EXPECT_FALSE(report.value().forced);
    EXPECT_THAT(sent_signals(report.value().attempts), ElementsAre("SIGINT group", "SIGTERM group"));
  });
}

// The leader dies of SIGINT; the first process of its namespace is in its group, and survives.
TEST_P(NamespaceInit, ThatOutlivesItsLeaderIsSweptWithItsNamespace) {
  run([] {
    AckPipe ack;
    Child child =
        Child::spawn(test_command(ack, {"new-pids", "fork", "new-session", "stubborn", "--", "sleep"})).value();
    wait_forked(ack, {"child child ready", "child ready"});
    const auto report = child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_TRUE(is_forsaken(ack));
    EXPECT_EQ(report.value().status.signal(), Signal::interrupt());
    EXPECT_EQ(report.value().ended_by, AttemptPhase::kSweep);
    EXPECT_TRUE(report.value().forced);
    ASSERT_THAT(report.value().survivors, SizeIs(1));
    EXPECT_EQ(report.value().survivors[0].program, "test_child");
    EXPECT_THAT(sent_signals(report.value().attempts), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
  });
}

TEST_P(NamespaceInit, WithAHandlerObeysBelowItsLeader) {
  run([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"new-pids", "handle", "TERM", "3"})).value();
    ASSERT_TRUE(ack.wait_for("child ready"));
    const auto report = child.terminate_with_report(TerminationPolicy::service(kBound));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_TRUE(is_forsaken(ack));
    EXPECT_EQ(report.value().ended_by, AttemptPhase::kTerminate);
    EXPECT_FALSE(report.value().forced);
    EXPECT_TRUE(ack.wait_for("child got SIGTERM"));
  });
}

TEST_P(NamespaceInit, IsKilledWithItsNamespaceByKill) {
  run([] {
    AckPipe ack;
    Child direct = adopt_init(ack, {"fork", "new-session", "stubborn", "--", "sleep"});
    EXPECT_EQ(direct.kill().value().signal(), Signal::kill());
    EXPECT_TRUE(is_forsaken(ack));
    AckPipe below_ack;
    Child above =
        Child::spawn(test_command(below_ack, {"new-pids", "fork", "new-session", "stubborn", "--", "sleep"})).value();
    wait_forked(below_ack, {"child child ready", "child ready"});
    EXPECT_EQ(above.kill().value().signal(), Signal::kill());
    EXPECT_TRUE(is_forsaken(below_ack));
  });
}

// After unshare such a process may start no threads (clone(2)), and so no reaper.
TEST(AHostThatLeftItsNamespaceForItsChildren, IsToldThatNoThreadCanBeHadAndHasNoChild) {
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  run_isolated_unchecked([] {
    const bool left = ::unshare(CLONE_NEWPID) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
    ASSERT_TRUE(left) << "errno " << errno;
    check_leaves_nothing([] {
      const auto failed = Child::spawn(test_command({"sleep"}));
      ASSERT_FALSE(failed.has_value());
      EXPECT_EQ(failed.error().step, SpawnError::Step::kCreateThread);
      EXPECT_EQ(failed.error().code, std::errc::invalid_argument);
    });
  });
}

std::string kernel_name(const ::testing::TestParamInfo<bool>& old) { return old.param ? "OldKernel" : "ThisKernel"; }

INSTANTIATE_TEST_SUITE_P(Kernel, NamespaceInit, ::testing::Bool(), kernel_name);

}  // namespace
}  // namespace warden::test_support

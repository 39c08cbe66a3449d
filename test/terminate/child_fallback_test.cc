// Ending children without the system calls that an old kernel lacks or a strict container refuses: the same promises,
// or the typed error that says what the library cannot know. spawn_fallback_test.cc covers the rest. Everything runs in
// forked processes, for the filters and so that each process learns about its kernel anew.
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/old_kernels.h"
#include "test/support/pid_namespace.h"
#include "test/support/proc_view.h"
#include "test/support/seccomp_filter.h"
#include "test/support/send_signal.h"
#include "test/support/sigchld_disposition.h"
#include "warden/child.h"
#include "warden/terminate_all.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(30);

// A group whose members hold a pipe open as long as they live. The child's stdin is a pipe.
struct Group {
  Group(const std::vector<std::string>& mode, std::vector<std::string> ready)
      : child(Child::spawn(test_command(ack, mode).stdin_from(Stdio::pipe())).value()),
        member(wait_forked(ack, std::move(ready))) {
    ack.close_write();
  }
  // Whether the group is empty at this moment.
  bool is_empty() const {
    pollfd polled = {ack.read_fd(), POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
  }

  AckPipe ack;
  Child child;
  int member;
};

// Waits until the kernel has reaped the child, whose number then belongs to no child.
void wait_until_gone(int pid) {
  siginfo_t info = {};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0) ::sched_yield();
}

class EndWithout : public ::testing::TestWithParam<OldKernel> {
 protected:
  // Runs the body under the filter and, where possible, without other processes: without a pidfd the library cannot
  // tell a group from an empty one while strangers end all the time.
  static void run(const std::function<void()>& body) {
    const auto run_filtered = [&body] {
      if (refuse_system_calls(GetParam().without)) body();
    };
    if (why_no_pid_namespace().empty()) {
      run_with_proc_view(ProcView::kWhole, NamespaceRole::kBelowInit, run_filtered);
    } else {
      run_isolated(run_filtered);
    }
  }
};

TEST_P(EndWithout, AStubbornMemberIsKilled) {
  run([] {
    Group group({"fork", "stubborn", "--", "ignore", "INT", "handle", "TERM", "4"}, {"child ready", "ready"});
    const auto report = group.child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, absl::Seconds(1)));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_TRUE(group.is_empty()) << report.value().attempts;
    EXPECT_EQ(report.value().status, ExitStatus::exited(4));
    EXPECT_EQ(report.value().ended_by, AttemptPhase::kSweep);
    EXPECT_TRUE(report.value().forced);
    EXPECT_THAT(live_members(group.child.pid()), IsEmpty());
  });
}

TEST_P(EndWithout, AMemberThatOutlivesItsLeaderIsKilled) {
  run([] {
    Group group({"fork", "stubborn", "--", "exit", "6"}, {"child ready"});
    EXPECT_EQ(group.child.wait().value(), ExitStatus::exited(6));
    EXPECT_FALSE(group.is_empty());
    const auto ended = group.child.terminate(kShort, kShort);
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_TRUE(group.is_empty());
    EXPECT_EQ(ended.value(), ExitStatus::exited(6));
  });
}

TEST_P(EndWithout, KillEndsTheWholeGroup) {
  run([] {
    Group group({"fork", "stubborn", "--", "stubborn"}, {"child ready", "ready"});
    const auto killed = group.child.kill();
    ASSERT_TRUE(killed.has_value()) << killed.error();
    EXPECT_TRUE(group.is_empty());
    EXPECT_EQ(killed.value().signal(), Signal::kill());
    EXPECT_EQ(group.child.kill().value().signal(), Signal::kill());
  });
}

// The kernel reaps by itself. The status may be lost, and is never made up. Where nothing names the group any more, the
// library does not touch the rest of it, and the error says so.
TEST_P(EndWithout, WithSigchldIgnoredNothingIsMadeUp) {
  run([] {
    struct sigaction before = {};
    struct sigaction ignored = {};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGCHLD, &ignored, &before);
    Group group({"fork", "stubborn", "--", "exit", "6"}, {"child ready"});
    wait_until_gone(group.child.pid());
    TerminationPolicy policy = TerminationPolicy::interrupt_first(kShort, kShort);
    policy.kill_timeout = absl::Seconds(1);
    const auto ended = group.child.terminate(policy);
    if (ended.has_value()) {
      EXPECT_TRUE(group.is_empty()) << "Ok, and somebody is alive";
    } else {
      const auto is_failed_send = [](const Attempt& attempt) {
        return attempt.operation == AttemptOperation::kSendSignal && attempt.result == AttemptResult::kFailed;
      };
      const AttemptLog& log = ended.error().attempts;
      EXPECT_TRUE(ended.error().code == Errc::kGroupUnknown ||
                  (!ended.error().survivors.empty() && std::any_of(log.begin(), log.end(), is_failed_send)))
          << ended.error();
    }
    const ExitStatus status = group.child.try_wait().value().value();
    EXPECT_TRUE(status == ExitStatus::lost() || status == ExitStatus::exited(6)) << status;
    if (!group.is_empty()) send_signal_by_number(group.member, SIGKILL);
    EXPECT_TRUE(group.ack.wait_eof());
    ::sigaction(SIGCHLD, &before, nullptr);
  });
}

TEST_P(EndWithout, SomeAreEndedTogether) {
  run([] {
    Group stubborn({"fork", "stubborn", "--", "stubborn"}, {"child ready", "ready"});
    Group left({"fork", "stubborn", "--", "exit", "6"}, {"child ready"});
    Group polite({"fork", "sleep", "--", "sleep"}, {"child ready", "ready"});
    EXPECT_EQ(left.child.wait().value(), ExitStatus::exited(6));
    const auto ended = terminate_all({&stubborn.child, &left.child, &polite.child},
                                     TerminationPolicy::interrupt_first(absl::Milliseconds(200), kShort));
    const std::vector<const Group*> groups = {&stubborn, &left, &polite};
    for (std::size_t i = 0; i < groups.size(); ++i) {
      EXPECT_TRUE(groups[i]->is_empty()) << i;
      ASSERT_TRUE(ended[i].has_value()) << ended[i].error();
    }
    EXPECT_EQ(ended[0].value().status.signal(), Signal::kill());
    EXPECT_EQ(ended[1].value().status, ExitStatus::exited(6));
    EXPECT_EQ(ended[2].value().status.signal(), Signal::interrupt());
  });
}

TEST_P(EndWithout, TheDestructorKillsTheWholeGroup) {
  run([] {
    CapturedLog log;
    AckPipe ack;
    {
      const Child abandoned = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value();
      wait_forked(ack, {"child ready", "ready"});
    }
    ASSERT_EQ(log.records().size(), 1u);
    EXPECT_EQ(log.records()[0].error, "");
    ack.close_write();
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST_P(EndWithout, AForkedCopyHasNoPowerOverTheChild) {
  run([] {
    Child child = Child::spawn(test_command({"sleep"})).value();
    const pid_t copy = ::fork();
    if (copy == 0) {
      const auto refused = child.send_terminate_signal();
      ::_exit(refused.has_error() && refused.error().code == Errc::kNotOwner ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(copy, &status, 0), copy);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(child.kill().value().signal(), Signal::kill()) << "it had no signal before";
  });
}

// Whether the kernel says that the owner of a descriptor is gone (Linux 5.12, F_GETOWN in fcntl(2)).
bool has_group_marks() {
  struct utsname system = {};
  int major = 0, minor = 0;
  EXPECT_EQ(::uname(&system), 0);
  EXPECT_EQ(std::sscanf(system.release, "%d.%d", &major, &minor), 2) << system.release;
  return major > 5 || (major == 5 && minor >= 12);
}

// The kernel reaps the leader, and with it goes the group's number. What is left of the group is found by its mark,
// which spawn() has set: the leader ends after that.
TEST(EndWithoutPidfdGroupSignals, OfAGroupWhoseLeaderWasReapedByAnotherIsComplete) {
  if (!has_group_marks()) GTEST_SKIP() << "this kernel has no marks (Linux 5.12)";
  run_isolated([] {
    ASSERT_TRUE(refuse_system_calls({refused_group_signals()}));
    const SigchldDisposition ignored(SIG_IGN, 0);
    Group group({"fork", "stubborn", "--", "read", "exit", "6"}, {"child ready", "ready"});
    group.child.close_stdin();
    wait_until_gone(group.child.pid());
    const auto ended = group.child.terminate_with_report(TerminationPolicy::interrupt_first(kShort, kShort));
    EXPECT_TRUE(group.is_empty());
    if (!group.is_empty()) send_signal_by_number(group.member, SIGKILL);
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().ended_by, AttemptPhase::kSweep);
    EXPECT_TRUE(ended.value().forced);
  });
}

std::string name_of(const ::testing::TestParamInfo<OldKernel>& kernel) { return kernel.param.name; }

INSTANTIATE_TEST_SUITE_P(Each, EndWithout, ::testing::ValuesIn(old_kernels()), name_of);

}  // namespace
}  // namespace warden::test_support

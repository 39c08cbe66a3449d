// Children of a host whose /proc is missing, hides processes or shows those of another pid namespace: the same
// promises, or Errc::kGroupUnknown where the library cannot tell whether the group is empty. On this kernel, and on
// kernels that cannot signal a group by a pidfd.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/every_setting.h"
#include "test/support/old_kernels.h"
#include "test/support/proc_view.h"
#include "test/support/seccomp_filter.h"
#include "warden/child.h"
#include "warden/terminate_all.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kShort = absl::Milliseconds(30);
constexpr int kOtherUser = 1234;

std::vector<OldKernel> kernels() {
  return {{"ThisKernel", {}},
          {"NoGroupSignalsByPidfd", {refused_group_signals()}},
          {"NothingNew",
           {refused_pidfd_clone(), {SYS_pidfd_open, ENOSYS}, refused_pidfd_wait(), {SYS_pidfd_send_signal, ENOSYS}}}};
}

struct Setting {
  ProcView view;
  const char* view_name;
  OldKernel kernel;
  NamespaceRole role;

  std::string name() const {
    return std::string(view_name) + "_" + kernel.name + (role == NamespaceRole::kInit ? "_AsInit" : "_BelowInit");
  }
};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name(); }

// Returns two settings for each view, or all (every_setting.h).
std::vector<Setting> settings() {
  const std::pair<ProcView, const char*> views[] = {{ProcView::kCovered, "Covered"},
                                                    {ProcView::kUnmounted, "Unmounted"},
                                                    {ProcView::kHidden, "Hidden"},
                                                    {ProcView::kHiddenInOwn, "HiddenInOwn"},
                                                    {ProcView::kProcessesOnly, "ProcessesOnly"},
                                                    {ProcView::kForeign, "Foreign"}};
  std::vector<Setting> all;
  for (const auto& [view, name] : views) {
    const std::vector<OldKernel> all_kernels = kernels();
    if (!wants_every_setting()) {
      all.push_back({view, name, all_kernels[0], NamespaceRole::kInit});
      all.push_back({view, name, all_kernels[1], NamespaceRole::kBelowInit});
      continue;
    }
    for (const OldKernel& kernel : all_kernels) {
      all.push_back({view, name, kernel, NamespaceRole::kInit});
      all.push_back({view, name, kernel, NamespaceRole::kBelowInit});
    }
  }
  return all;
}

TerminationPolicy short_policy() {
  TerminationPolicy policy = TerminationPolicy::interrupt_first(kShort, kShort);
  policy.kill_timeout = absl::Milliseconds(500);
  return policy;
}

// Whether every write end is closed at this moment; the test's own was closed before.
bool is_forsaken(const AckPipe& ack) {
  pollfd polled = {ack.read_fd(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

class UnusualProc : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    const std::string reason = why_no_proc_view(GetParam().view);
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  static void run(const std::function<void()>& body) {
    run_with_proc_view(GetParam().view, GetParam().role, [&body] {
      if (refuse_system_calls(GetParam().kernel.without)) body();
    });
  }

  // Spawns a group and reads all its lines. The pipe is open as long as a process of the group lives.
  static Child spawn_group(AckPipe& ack, const std::vector<std::string>& mode, std::vector<std::string> ready) {
    Child child = Child::spawn(test_command(ack, mode)).value();
    wait_forked(ack, std::move(ready));
    ack.close_write();
    return child;
  }

  // What every call that ends a group promises: success and no process left, or the error that says that the library
  // cannot know. In both cases the status is there, and the whole group has been killed.
  static void expect_ended(Child& child, bool ok, std::error_code error, const ExitStatus& status, AckPipe& ack) {
    if (ok) {
      ASSERT_TRUE(is_forsaken(ack)) << "Ok, and somebody is alive";
    } else {
      EXPECT_EQ(error, Errc::kGroupUnknown);
    }
    if (GetParam().role == NamespaceRole::kBelowInit && has_group_signals()) {
      EXPECT_TRUE(ok) << error.message();
    }
    EXPECT_EQ(child.try_wait().value(), status);
    EXPECT_TRUE(ack.wait_eof());
  }

  template <class T>
  static void expect_ended(Child& child, const Result<T, TerminationError>& ended, const ExitStatus& status,
                           AckPipe& ack) {
    expect_ended(child, ended.has_value(), ended.has_value() ? std::error_code() : ended.error().code, status, ack);
  }
};

TEST_P(UnusualProc, StatusesAreRight) {
  run([] {
    for (const bool own_group : {true, false}) {
      for (const bool on_reaper : {true, false}) {
        const auto spawn = [&](const std::vector<std::string>& mode) {
          return Child::spawn(test_command(mode).group(own_group).die_with_parent(on_reaper)).value();
        };
        Child exits = spawn({"exit", "7"});
        EXPECT_EQ(exits.wait().value(), ExitStatus::exited(7));
        Child dies = spawn({"die", "HUP"});
        EXPECT_EQ(dies.wait_for(kBound).value(), ExitStatus::signaled(Signal::hangup(), false));
      }
    }
  });
}

TEST_P(UnusualProc, AChildWithoutAGroupIsEnded) {
  run([] {
    Child terminated = Child::spawn(test_command({"sleep"}).group(false)).value();
    EXPECT_EQ(terminated.terminate(kBound, kBound).value().signal(), Signal::interrupt());
    Child killed = Child::spawn(test_command({"stubborn"}).group(false)).value();
    EXPECT_EQ(killed.kill().value().signal(), Signal::kill());
    AckPipe ack;
    Child obeys = Child::spawn(test_command(ack, {"handle", "TERM", "4"}).group(false)).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    EXPECT_EQ(obeys.terminate(TerminationPolicy::service(kBound)).value(), ExitStatus::exited(4));
  });
}

TEST_P(UnusualProc, ALeaderAloneIsEnded) {
  run([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"sleep"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    ack.close_write();
    const auto ended = child.terminate(short_policy());
    expect_ended(child, ended, ExitStatus::signaled(Signal::interrupt(), false), ack);
  });
}

TEST_P(UnusualProc, ASurvivorOfItsLeaderIsNeverMissed) {
  run([] {
    AckPipe ack;
    Child child = spawn_group(ack, {"fork", "stubborn", "--", "exit", "6"}, {"child ready"});
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    EXPECT_FALSE(is_forsaken(ack));
    const auto ended = child.terminate_with_report(short_policy());
    expect_ended(child, ended, ExitStatus::exited(6), ack);
    if (ended.has_value()) {
      EXPECT_TRUE(ended.value().forced);
    }
  });
}

TEST_P(UnusualProc, AStubbornGroupIsKilled) {
  run([] {
    AckPipe ack;
    Child child = spawn_group(ack, {"fork", "stubborn", "--", "handle", "TERM", "4"}, {"child ready", "ready"});
    expect_ended(child, child.terminate(short_policy()), ExitStatus::signaled(Signal::interrupt(), false), ack);
    AckPipe other_ack;
    Child other = spawn_group(other_ack, {"fork", "stubborn", "--", "stubborn"}, {"child ready", "ready"});
    expect_ended(other, other.kill(), ExitStatus::signaled(Signal::kill(), false), other_ack);
  });
}

TEST_P(UnusualProc, ManyGroupsAreKilledTogether) {
  run([] {
    AckPipe ack;
    AckPipe other_ack;
    Child child = spawn_group(ack, {"fork", "stubborn", "--", "exit", "6"}, {"child ready"});
    Child other = spawn_group(other_ack, {"fork", "stubborn", "--", "stubborn"}, {"child ready", "ready"});
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    const auto ended = terminate_all({&child, &other}, short_policy());
    expect_ended(child, ended.at(0), ExitStatus::exited(6), ack);
    expect_ended(other, ended.at(1), ExitStatus::signaled(Signal::kill(), false), other_ack);
  });
}

TEST_P(UnusualProc, TheDestructorKillsTheGroup) {
  run([] {
    const CapturedLog log;
    AckPipe ack;
    { const Child abandoned = spawn_group(ack, {"fork", "stubborn", "--", "stubborn"}, {"child ready", "ready"}); }
    EXPECT_TRUE(ack.wait_eof());
  });
}

// The host may neither see nor signal this survivor.
TEST_P(UnusualProc, ASurvivorOfAnotherUserIsNeverMissed) {
  const ProcView view = GetParam().view;
  if (view != ProcView::kHidden && view != ProcView::kHiddenInOwn) GTEST_SKIP() << "has one user only";
  run([] {
    become_root_again();
    AckPipe ack;
    const std::string other_user = std::to_string(kOtherUser);
    Child child = spawn_group(ack, {"fork", "user", other_user, "stubborn", "--", "exit", "6"}, {"child ready"});
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    ASSERT_TRUE(become_hidden_user());
    const auto failed = child.terminate(short_policy());
    ASSERT_TRUE(failed.has_error()) << "Ok, and somebody is alive";
    EXPECT_EQ(failed.error().code, Errc::kGroupUnknown);
    EXPECT_THAT(sent_signals(failed.error().attempts),
                ElementsAre("SIGINT group: failed", "SIGTERM group: failed", "SIGKILL group: failed"));
    EXPECT_FALSE(is_forsaken(ack));
    become_root_again();
    expect_ended(child, child.kill(), ExitStatus::exited(6), ack);
  });
}

std::string name_of(const ::testing::TestParamInfo<Setting>& setting) { return setting.param.name(); }

INSTANTIATE_TEST_SUITE_P(Each, UnusualProc, ::testing::ValuesIn(settings()), name_of);

}  // namespace
}  // namespace warden::test_support

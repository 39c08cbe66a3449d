// When a child's number belongs to another process, the library's signals reach nobody. Everything runs in a pid
// namespace, where the test can have any free number given out again.
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/pid_namespace.h"
#include "test/support/seccomp_filter.h"
#include "test/support/stranger.h"
#include "warden/child.h"
#include "warden/terminate_all.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;

constexpr absl::Duration kShort = absl::Milliseconds(10);

struct Kernel {
  const char* name;
  std::vector<RefusedCall> without;
  bool has_pidfd = true;
};

void PrintTo(const Kernel& kernel, std::ostream* out) { *out << kernel.name; }

std::vector<Kernel> kernels() {
  const RefusedCall pidfd_open = {SYS_pidfd_open, ENOSYS};
  return {{"This", {}},
          {"NoGroupSignalsByPidfd", {refused_group_signals()}},
          {"NoSignalsByPidfd", {{SYS_pidfd_send_signal, ENOSYS}}},
          {"NoPidfd", {refused_pidfd_clone(), pidfd_open}, false},
          {"NothingNew",
           {refused_pidfd_clone(), pidfd_open, refused_pidfd_wait(), {SYS_pidfd_send_signal, ENOSYS}},
           false}};
}

void wait_for_zombie(int pid) {
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
}

// ThreadSanitizer's runtime has a thread of its own, which starts with the process's first thread.
#ifdef ABSL_HAVE_THREAD_SANITIZER
constexpr int kThreadsAtRest = 2;
#else
constexpr int kThreadsAtRest = 1;
#endif

// Waits until the reaper of the only child has ended. Without a pidfd it looks at the number once more.
void wait_for_reaper() {
  const auto has_more_threads = [] {
    const std::filesystem::directory_iterator threads("/proc/self/task");
    return std::distance(begin(threads), end(threads)) > kThreadsAtRest;
  };
  while (has_more_threads()) ::sched_yield();
}

// Starts a stranger that gets this number. The kernel frees a number only after it has reported the child as gone, so
// the first try may come too early. Returns null when the number never gets free.
std::unique_ptr<Stranger> take_number(int number, bool leads_group) {
  for (int i = 0; i < 10'000; ++i) {
    auto stranger = std::make_unique<Stranger>(number, leads_group);
    if (stranger->pid() == number) return stranger;
    ::sched_yield();
  }
  return nullptr;
}

// Makes every call that can send a signal. `kept` is the status that every call has to return; without it a call that
// ends the child may fail.
void make_every_call(Child& child, std::optional<ExitStatus> kept) {
  EXPECT_TRUE(child.send_interrupt_signal().has_value());
  EXPECT_TRUE(child.send_terminate_signal().has_value());
  for (const Signal signal : {Signal::user1(), Signal::hangup(), Signal::continue_process(), Signal::kill()}) {
    EXPECT_TRUE(child.send_signal(signal).has_value()) << signal;
  }
  const auto expect_kept = [&kept](const auto& result) {
    if (!kept.has_value()) return;
    ASSERT_TRUE(result.has_value()) << result.error();
    EXPECT_EQ(result.value(), *kept);
  };
  TerminationPolicy leader_only = TerminationPolicy::service(kShort);
  leader_only.leader_only = true;
  expect_kept(child.terminate(kShort, kShort));
  expect_kept(child.terminate(TerminationPolicy::leader_first(kShort, kShort)));
  expect_kept(child.terminate(leader_only));
  expect_kept(child.kill());
  const auto together = terminate_all({&child}, TerminationPolicy::interrupt_first(kShort, kShort));
  const auto waited = child.wait_or_terminate(absl::ZeroDuration(), TerminationPolicy::immediate());
  if (!kept.has_value()) return;
  EXPECT_EQ(together.at(0).value().status, *kept);
  EXPECT_EQ(waited.value().status, *kept);
}

// Gives a stranger the child's number: no call and no destructor sends it a signal.
void expect_stranger_is_spared(Child child, bool stranger_leads, std::optional<ExitStatus> kept) {
  const auto stranger = take_number(child.pid(), stranger_leads);
  ASSERT_NE(stranger, nullptr);
  make_every_call(child, kept);
  { const Child abandoned = std::move(child); }
  EXPECT_THAT(stranger->signals(), IsEmpty());
}

class Identity : public ::testing::TestWithParam<Kernel> {
 protected:
  void SetUp() override {
    const std::string reason = why_no_pid_namespace();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  static void run(const std::function<void()>& body) {
    run_in_pid_namespace([&body] {
      if (refuse_system_calls(GetParam().without)) body();
    });
  }
};

TEST_P(Identity, NobodyWhoGetsTheNumberOfAReapedChildIsSignalled) {
  run([] {
    for (const bool own_group : {true, false}) {
      for (const bool stranger_leads : {true, false}) {
        Child child = Child::spawn(test_command({"exit", "5"}).group(own_group)).value();
        EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
        EXPECT_EQ(child.kill().value(), ExitStatus::exited(5));  // an older kernel keeps the zombie until then
        ASSERT_TRUE(wait_until_childless());
        expect_stranger_is_spared(std::move(child), stranger_leads, ExitStatus::exited(5));
      }
    }
  });
}

// The destructor kills a child whose end the program has not seen. Here the number is free, or the zombie pins it until
// then.
TEST_P(Identity, TheDestructorSignalsNobodyWhoGotTheNumber) {
  run([] {
    for (const bool own_group : {true, false}) {
      const bool keeps_zombie = own_group && !has_group_signals();
      const CapturedLog log;
      auto child = std::make_unique<Child>(Child::spawn(test_command({"exit", "5"}).group(own_group)).value());
      const int number = child->pid();
      if (keeps_zombie) {
        wait_for_zombie(number);
        const Stranger other(number, true);
        EXPECT_NE(other.pid(), number);
        child.reset();
        EXPECT_THAT(other.signals(), IsEmpty());
      } else {
        ASSERT_TRUE(wait_until_childless());
        const auto stranger = take_number(number, true);
        ASSERT_NE(stranger, nullptr);
        child.reset();
        EXPECT_THAT(stranger->signals(), IsEmpty());
      }
      ASSERT_TRUE(wait_until_childless());
      EXPECT_NE(take_number(number, true), nullptr) << "the number is free in the end";
    }
  });
}

// Even without members: where the group can be signalled only by its number, the zombie keeps that number.
TEST_P(Identity, TheNumberIsNotGivenAwayWhileTheGroupMayHaveToBeSignalledByIt) {
  run([] {
    for (const bool has_member : {true, false}) {
      if (!has_member && has_group_signals()) continue;
      AckPipe ack;
      Command command =
          has_member ? test_command(ack, {"fork", "stubborn", "--", "exit", "5"}) : test_command(ack, {"exit", "5"});
      Child child = Child::spawn(command).value();
      const int member = has_member ? wait_forked(ack, {"child ready"}) : -1;
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
      {
        const Stranger other(child.pid(), true);
        EXPECT_NE(other.pid(), child.pid());
        EXPECT_EQ(child.terminate(kShort, kShort).value(), ExitStatus::exited(5));
        EXPECT_THAT(live_members(child.pid()), IsEmpty());
        EXPECT_THAT(other.signals(), IsEmpty());
      }
      if (has_member) {
        EXPECT_EQ(::waitpid(member, nullptr, 0), member) << "we are its init";
      }
      ASSERT_TRUE(wait_until_childless());
      expect_stranger_is_spared(std::move(child), true, ExitStatus::exited(5));
    }
  });
}

// Another wait takes the zombie that the library keeps for the group's number, after the status is known.
TEST_P(Identity, NobodyIsSignalledAfterAForeignWaitHasTakenTheZombie) {
  run([] {
    if (has_group_signals()) return;  // there is no zombie to take
    for (const bool stranger_leads : {true, false}) {
      Child child = Child::spawn(test_command({"exit", "5"})).value();
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(5));
      wait_for_reaper();
      ASSERT_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());
      expect_stranger_is_spared(std::move(child), stranger_leads, std::nullopt);
    }
  });
}

// The kernel acts like another wait that is always quicker than the library's.
TEST_P(Identity, NobodyIsSignalledWhenTheKernelReapsByItself) {
  run([] {
    for (const bool own_group : {true, false}) {
      for (const bool stranger_leads : {true, false}) {
        const CapturedLog log;
        struct sigaction before = {};
        struct sigaction ignored = {};
        ignored.sa_handler = SIG_IGN;
        ::sigaction(SIGCHLD, &ignored, &before);
        Child child = Child::spawn(test_command({"exit", "5"}).group(own_group)).value();
        ASSERT_TRUE(wait_until_childless());
        ::sigaction(SIGCHLD, &before, nullptr);
        // By its number alone the library cannot tell the child from another child of this process that gets the
        // number.
        if (!GetParam().has_pidfd) {
          EXPECT_EQ(child.wait().value(), ExitStatus::lost());
          wait_for_reaper();
        }
        expect_stranger_is_spared(std::move(child), stranger_leads, std::nullopt);
      }
    }
  });
}

std::string name_of(const ::testing::TestParamInfo<Kernel>& kernel) { return kernel.param.name; }

INSTANTIATE_TEST_SUITE_P(Kernel, Identity, ::testing::ValuesIn(kernels()), name_of);

// None of these numbers is a child, and most of them mean many processes to kill(2). The audit (kill_audit.cc) sees
// every call.
TEST(IdentityOfNumbers, NoneThatMeansOthersIsEverTaken) {
  for (const int number : {0, 1, -1, -2, INT_MIN, INT_MIN + 1, -::getpid(), -::getpgrp()}) {
    const auto refused = Child::adopt(number);
    ASSERT_TRUE(refused.has_error()) << number;
    EXPECT_EQ(refused.error().code, std::errc::invalid_argument) << number;
  }
  for (const int number : {INT_MAX, ::getpid(), ::getpgrp(), ::getppid()}) {
    if (number < 2) continue;
    const auto refused = Child::adopt(number);
    ASSERT_TRUE(refused.has_error()) << number;
    EXPECT_EQ(refused.error().code, Errc::kNotAChild) << number;
  }
}

}  // namespace
}  // namespace warden::test_support

// Children that the host has made by clone(2) with another exit signal than SIGCHLD, which only a wait with __WALL or
// __WCLONE finds.
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/sys.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/support/sigchld_disposition.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

// Until SIGUSR1, which ends it with 11; by raw calls, as behind a vfork.
[[noreturn]] void obey() {
  sigset_t usr1;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  ::sigwaitinfo(&usr1, nullptr);
  ::_exit(11);
}

int clone_with(int exit_signal) { return static_cast<int>(::syscall(SYS_clone, exit_signal, 0, nullptr, nullptr, 0)); }

// A fork with that exit signal. An exec would reset it to SIGCHLD (execve(2)), so it runs none.
class ObedientChild {
 public:
  explicit ObedientChild(int exit_signal, bool own_group = false) {
    sigset_t usr1, before;
    ::sigemptyset(&usr1);
    ::sigaddset(&usr1, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &usr1, &before);
    pid_ = clone_with(exit_signal);
    if (pid_ == 0) obey();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (own_group) ::setpgid(pid_, pid_);
  }
  ~ObedientChild() {  // what a failed test leaves
    if (is_reaped()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, __WALL);
  }
  ObedientChild(const ObedientChild&) = delete;
  ObedientChild& operator=(const ObedientChild&) = delete;

  int pid() const { return pid_; }
  // No wait of any kind finds it.
  bool is_reaped() const {
    siginfo_t info = {};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0;
  }

 private:
  int pid_ = -1;
};

// None, and one that a process ignores by default.
class AdoptedWithExitSignal : public ::testing::TestWithParam<int> {
 protected:
  // Every way to wait: by pidfd, and by number.
  static void run_with_and_without_pidfd(void (*body)()) {
    body();
    run_isolated([body] {
      if (refuse_system_calls({{SYS_pidfd_open, ENOSYS}, refused_pidfd_wait(EINVAL)})) body();
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Each, AdoptedWithExitSignal, ::testing::Values(0, SIGURG),
                         [](const auto& signal) { return signal.param == 0 ? "None" : "Urg"; });

TEST_P(AdoptedWithExitSignal, GivesTheStatusOfANaturalEnd) {
  run_with_and_without_pidfd([] {
    const ObedientChild process(GetParam());
    Result<Child, SpawnError> adopted = Child::adopt(process.pid());
    ASSERT_TRUE(adopted.has_value()) << adopted.error();
    Child& child = adopted.value();
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    EXPECT_EQ(child.try_wait().value(), std::nullopt);
    EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(11));
    EXPECT_TRUE(process.is_reaped());
  });
}

TEST_P(AdoptedWithExitSignal, IsEndedAloneOrWithItsGroup) {
  run_with_and_without_pidfd([] {
    for (const bool own_group : {false, true}) {
      const ObedientChild process(GetParam(), own_group);
      Result<Child, SpawnError> adopted = Child::adopt(process.pid());
      ASSERT_TRUE(adopted.has_value()) << adopted.error();
      const auto report = adopted.value().terminate_with_report(TerminationPolicy::service(kBound));
      ASSERT_TRUE(report.has_value()) << report.error();
      EXPECT_EQ(report.value().status, ExitStatus::signaled(Signal::terminate(), false));
      EXPECT_THAT(sent_signals(report.value().attempts), ElementsAre(own_group ? "SIGTERM group" : "SIGTERM leader"));
    }
  });
}

TEST_P(AdoptedWithExitSignal, MayBeAZombie) {
  run_with_and_without_pidfd([] {
    for (const bool own_group : {false, true}) {
      const ObedientChild process(GetParam(), own_group);
      ASSERT_EQ(::kill(process.pid(), SIGUSR1), 0);
      siginfo_t info = {};
      ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(process.pid()), &info, WEXITED | WNOWAIT | __WALL), 0);
      {
        Result<Child, SpawnError> adopted = Child::adopt(process.pid());
        ASSERT_TRUE(adopted.has_value()) << adopted.error();
        EXPECT_EQ(adopted.value().wait().value(), ExitStatus::exited(11));
      }
      EXPECT_TRUE(process.is_reaped());
    }
  });
}

// The kernel reaps only children with SIGCHLD by itself.
TEST_P(AdoptedWithExitSignal, HasItsStatusThoughSigchldIsIgnored) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  const ObedientChild process(GetParam());
  Result<Child, SpawnError> adopted = Child::adopt(process.pid());
  ASSERT_TRUE(adopted.has_value()) << adopted.error();
  EXPECT_TRUE(adopted.value().send_signal(Signal::user1()).has_value());
  const ExitStatus status = adopted.value().wait().value();
  EXPECT_EQ(status, ExitStatus::exited(11));
  EXPECT_TRUE(status.resource_usage().has_value()) << "it was waited for, and not only heard of";
}

TEST_P(AdoptedWithExitSignal, IsNoChildOfOursOnceItIsReaped) {
  const ObedientChild process(GetParam());
  ASSERT_EQ(::kill(process.pid(), SIGUSR1), 0);
  ASSERT_EQ(::waitpid(process.pid(), nullptr, __WALL), process.pid());
  const auto refused = Child::adopt(process.pid());
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Errc::kNotAChild);
}

// Blocks until the thread that cloned this process sleeps, and ends then.
[[noreturn]] void end_when_it_sleeps(int process) {
  std::string text;
  do {
    ::sched_yield();
  } while (internal::linux_sys().read_proc(process, "stat", &text) == 0 && text.find(") S ") == std::string::npos);
  ::_exit(0);
}

TEST_P(AdoptedWithExitSignal, IsSleptForByNumber) {
  run_isolated([] {  // it has one thread
    const int process = ::getpid();
    const int pid = clone_with(GetParam());
    if (pid == 0) end_when_it_sleeps(process);
    internal::linux_sys().block_until_waitable(pid);
    EXPECT_TRUE(internal::linux_sys().look({pid, -1}, internal::Reap::kLeave).status.has_value());
    EXPECT_EQ(::waitpid(pid, nullptr, __WALL), pid);
  });
}

// A wait finds a process that the caller traces, whoever's child it is.
TEST(Adopt, RefusesAProcessThatThisOneTracesAndWhoseParentItIsNot) {
  AckPipe ack;
  Child parent = Child::spawn(test_command(ack, {"fork", "sleep", "--", "sleep"})).value();
  const int stranger = wait_forked(ack, {"child ready"});
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, stranger, 0, 0), 0) << "errno " << errno;
  const auto refused = Child::adopt(stranger);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, Errc::kNotAChild);
  EXPECT_TRUE(parent.kill().has_value());
  EXPECT_EQ(::waitpid(stranger, nullptr, 0), stranger) << "the tracer gets the zombie before its parent does";
}

TEST(Adopt, TakesAChildThatThisProcessTraces) {
  const ObedientChild process(SIGCHLD);
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, process.pid(), 0, 0), 0) << "errno " << errno;
  Result<Child, SpawnError> adopted = Child::adopt(process.pid());
  ASSERT_TRUE(adopted.has_value()) << adopted.error();
  EXPECT_EQ(adopted.value().kill().value(), ExitStatus::signaled(Signal::kill(), false));
}

}  // namespace
}  // namespace warden::test_support

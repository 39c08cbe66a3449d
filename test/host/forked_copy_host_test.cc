// Hosts that fork while the library works: with threads inside its calls, as daemons, in death tests.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/config.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/seccomp_filter.h"
#include "warden/abandoned_child.h"
#include "warden/child.h"
#include "warden/log.h"

namespace warden::test_support {
namespace {

// Waits for the copy and kills it after a minute; returns whether it exited with 0.
bool copy_succeeds(pid_t copy) {
  const Pidfd process(copy);
  if (!process.wait_dead()) process.send(SIGKILL);
  int status = -1;
  return ::waitpid(copy, &status, 0) == copy && status == 0;
}

std::size_t thread_count() { return ProcessSnapshot::take().threads.size(); }

// Whether a thread of this process, other than this one, sleeps.
bool another_thread_sleeps() {
  for (const auto& [tid, name] : ProcessSnapshot::take().threads) {
    std::string stat;
    std::getline(std::ifstream("/proc/self/task/" + std::to_string(tid) + "/stat"), stat);
    if (tid != ::getpid() && stat.find(") S ") != std::string::npos) return true;
  }
  return false;
}

TEST(ForkingHost, CanDestroyAHandleInACopyWhileOtherThreadsAreInItsCalls) {
  AckPipe ack;
  auto child = std::make_unique<Child>(Child::spawn(test_command(ack, {"mark", "TERM"})).value());
  ASSERT_TRUE(ack.wait_for("ready"));
  TerminationPolicy patient;
  patient.phases = {{Signal::terminate(), absl::InfiniteDuration()}};
  bool has_waited = false, has_terminated = false;
  std::atomic<bool> stop{false};
  std::thread waiter([&] { has_waited = child->wait().has_value(); });
  std::thread terminator([&] { has_terminated = child->terminate(patient).has_value(); });
  std::thread prober([&] {  // keeps the child's lock held most of the time
    while (!stop) child->state();
  });
  EXPECT_EQ(ack.wait_line(), "got SIGTERM") << "the termination is in its wait";
  for (int i = 0; i < 300; ++i) {
    const pid_t copy = ::fork();
    if (copy == 0) {
      const bool is_inert = child->state().error == Errc::kNotOwner && !child->send_terminate_signal().has_value();
      child.reset();
      ::_exit(is_inert ? 0 : 1);
    }
    EXPECT_TRUE(copy_succeeds(copy)) << "copy " << i;
    if (::testing::Test::HasFailure()) break;
  }
  stop = true;
  prober.join();
  EXPECT_EQ(child->state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child->send_signal(Signal::kill()).has_value());
  waiter.join();
  terminator.join();
  EXPECT_TRUE(has_waited);
  EXPECT_TRUE(has_terminated);
  ack.close_write();
  EXPECT_EQ(ack.wait_line(), "") << "no second SIGTERM";
}

// The leader and its reaper have ended, so that nobody but the handle holds what the waiting thread waits with. The
// copy has no such thread, and must not wait for it.
TEST(ForkingHost, CanDestroyAHandleInACopyWhileAnotherThreadWaitsForASurvivor) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  GTEST_SKIP() << "TSan takes a reaper that has finished at the fork for a leak of the copy";
#endif
  run_isolated_unchecked([] {
    ASSERT_TRUE(refuse_system_calls({{SYS_pidfd_open, ENOSYS}}));  // the wait is no poll of the survivor
    const std::size_t threads = thread_count();
    AckPipe ack;
    auto child =
        std::make_unique<Child>(Child::spawn(test_command(ack, {"fork", "mark", "TERM", "--", "exit", "6"})).value());
    wait_forked(ack, {"child ready"});
    EXPECT_EQ(child->wait().value(), ExitStatus::exited(6));
    while (thread_count() > threads) std::this_thread::yield();
    bool has_terminated = false;
    std::thread terminator(
        [&] { has_terminated = child->terminate(TerminationPolicy::service(absl::InfiniteDuration())).has_value(); });
    EXPECT_TRUE(ack.wait_for("child got SIGTERM"));
    for (int i = 0; i < 20; ++i) {
      while (!another_thread_sleeps()) std::this_thread::yield();
      const pid_t copy = ::fork();
      if (copy == 0) {
        ::alarm(60);  // its SIGALRM ends a copy that hangs
        child.reset();
        ::_exit(0);
      }
      int status = -1;
      EXPECT_EQ(::waitpid(copy, &status, 0), copy);
      EXPECT_EQ(status, 0) << "copy " << i;
      if (::testing::Test::HasFailure()) break;
    }
    EXPECT_TRUE(child->kill().has_value());
    terminator.join();
    EXPECT_TRUE(has_terminated);
  });
}

TEST(ForkingHost, CanForkWhileAnotherThreadStartsAndEndsChildren) {
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
  GTEST_SKIP() << "ASan's allocator may be locked by the other thread at the fork";
#endif
#ifdef ABSL_HAVE_THREAD_SANITIZER
  GTEST_SKIP() << "TSan takes a reaper that has finished at the fork for a leak of the copy";
#endif
  Child child = Child::spawn(test_command({"sleep"})).value();
  std::atomic<bool> stop{false};
  std::thread spawner([&stop] {
    while (!stop) {
      Child own = Child::spawn(test_command({"sleep"})).value();
      own.kill().value();
    }
  });
  for (int i = 0; i < 100; ++i) {
    const pid_t copy = ::fork();
    if (copy == 0) {
      const bool is_inert = child.state().error == Errc::kNotOwner;
      { const Child abandoned = std::move(child); }
      ::_exit(is_inert ? 0 : 1);
    }
    EXPECT_TRUE(copy_succeeds(copy)) << "copy " << i;
    if (::testing::Test::HasFailure()) break;
  }
  stop = true;
  spawner.join();
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

TEST(ForkingHost, CanDestroyAChildOfACopysOwnWhileAnotherThreadSetsHandlers) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  GTEST_SKIP() << "a forked copy cannot create threads under TSan";
#endif
  std::atomic<bool> stop{false};
  std::thread setter([&stop] {
    while (!stop) {
      set_abandoned_child_handler([](const AbandonedChild&, void*) {}, nullptr);
      set_abandoned_child_handler(nullptr, nullptr);
      set_log_sink([](const LogRecord&, void*) {}, nullptr);
      set_log_sink(nullptr, nullptr);
    }
  });
  for (int i = 0; i < 200; ++i) {
    const pid_t copy = ::fork();
    if (copy == 0) {
      int told = 0;
      set_log_sink([](const LogRecord&, void* context) { ++*static_cast<int*>(context); }, &told);
      set_abandoned_child_handler(nullptr, nullptr);
      { const Child own = Child::spawn(test_command({"sleep"})).value(); }
      ::_exit(told == 1 ? 0 : 1);
    }
    EXPECT_TRUE(copy_succeeds(copy)) << "copy " << i;
    if (::testing::Test::HasFailure()) break;
  }
  stop = true;
  setter.join();
}

// The rest of a daemon's start: the parent part has exited, and this process goes on with its handles.
int go_on_as_daemon(std::unique_ptr<Child> child, int pid) {
  if (child->state().error != Errc::kNotOwner || child->kill().has_value()) return 1;
  if (child->pid() != pid || child->name() != "kept") return 2;
  child.reset();
  if (Pidfd(pid).is_dead()) return 3;
  return 0;
}

TEST(ForkingHost, CanBecomeADaemonAndItsChildRunsOn) {
  run_isolated_unchecked([] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // this process becomes the parent of the orphans, and can reap them
    AckPipe ack, orphaned;
    const pid_t host = ::fork();
    if (host == 0) {
      auto child =
          std::make_unique<Child>(Child::spawn(test_command(ack, {"handle", "USR1", "7"}).name("kept")).value());
      const std::string facts = "kept " + std::to_string(child->pid()) + "\n";
      const pid_t daemon = ::fork();
      if (daemon == 0) {
        ack.close_write();
        orphaned.close_write();
        if (!orphaned.wait_eof()) ::_exit(4);  // until the parent part has exited
        const int pid = child->pid();
        ::_exit(go_on_as_daemon(std::move(child), pid));
      }
      const std::string numbers = "daemon " + std::to_string(daemon) + "\n" + facts;
      ::_exit(::write(ack.write_fd(), numbers.data(), numbers.size()) > 0 ? 0 : 1);  // destroys no handle, as daemon(3)
    }
    int daemon = 0, kept = 0;
    for (bool ready = false; daemon == 0 || kept == 0 || !ready;) {
      const std::string line = ack.wait_line();
      ASSERT_NE(line, "(timeout)");
      ready = ready || line == "ready";
      if (line.rfind("daemon ", 0) == 0) daemon = ::atoi(line.c_str() + 7);
      if (line.rfind("kept ", 0) == 0) kept = ::atoi(line.c_str() + 5);
    }
    EXPECT_TRUE(copy_succeeds(host));
    orphaned.close_write();
    EXPECT_TRUE(copy_succeeds(daemon));
    ASSERT_EQ(::kill(kept, SIGUSR1), 0);
    EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
    int status = 0;
    EXPECT_EQ(::waitpid(kept, &status, 0), kept);
    EXPECT_EQ(WEXITSTATUS(status), 7);
  });
}

class ForkedCopyDeathTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Only a re-executed death test would leave its child behind; die_with_parent() ends that child.
  ForkedCopyDeathTest() : style_(GTEST_FLAG_GET(death_test_style)) {
    GTEST_FLAG_SET(death_test_style, GetParam());
    child_ = std::make_unique<Child>(
        Child::spawn(test_command(ack_, {"handle", "USR1", "7"}).die_with_parent(true)).value());
    EXPECT_TRUE(ack_.wait_for("ready"));
  }
  ~ForkedCopyDeathTest() override { GTEST_FLAG_SET(death_test_style, style_); }

  void expect_untouched() {
    EXPECT_EQ(child_->state().kind, ProcessState::Kind::kRunning);
    EXPECT_TRUE(child_->send_signal(Signal::user1()).has_value());
    EXPECT_EQ(child_->wait().value().exit_code(), 7);
  }

  const std::string style_;
  AckPipe ack_;
  std::unique_ptr<Child> child_;
};

INSTANTIATE_TEST_SUITE_P(Styles, ForkedCopyDeathTest, ::testing::Values("fast", "threadsafe"),
                         [](const auto& style) { return std::string(style.param); });

TEST_P(ForkedCopyDeathTest, AbortLeavesTheChildAlone) {
  EXPECT_EXIT(::abort(), ::testing::KilledBySignal(SIGABRT), "");
  expect_untouched();
}

TEST_P(ForkedCopyDeathTest, ExitLeavesTheChildAlone) {
  EXPECT_EXIT(::exit(3), ::testing::ExitedWithCode(3), "");
  expect_untouched();
}

TEST_P(ForkedCopyDeathTest, DestructionInTheDeathTestLeavesTheChildAlone) {
  EXPECT_EXIT(
      {
        child_.reset();
        ::_exit(3);
      },
      ::testing::ExitedWithCode(3), "");
  expect_untouched();
}

TEST_P(ForkedCopyDeathTest, ChildCanBeEndedAfterSeveral) {
  for (int i = 0; i < 5; ++i) EXPECT_DEATH(::abort(), "");
  EXPECT_EQ(child_->terminate(kBound, kBound).value().signal(), Signal::interrupt());
}

}  // namespace
}  // namespace warden::test_support

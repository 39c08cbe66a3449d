// The waits: what they return, when they return, and how long they take.
#include "warden/child.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"

namespace warden::test_support {
namespace {

using Clock = std::chrono::steady_clock;

class WaitWithCode : public ::testing::TestWithParam<int> {};

TEST_P(WaitWithCode, ReportsTheExitCodeUnchanged) {
  Child child = Child::spawn(test_command({"exit", std::to_string(GetParam())})).value();
  const ExitStatus status = child.wait().value();
  EXPECT_EQ(status.kind(), ExitStatus::Kind::kExited);
  EXPECT_EQ(status.exit_code(), GetParam());
  EXPECT_EQ(status.success(), GetParam() == 0);
  EXPECT_FALSE(status.signal().has_value());
  EXPECT_FALSE(status.core_dumped());
}

INSTANTIATE_TEST_SUITE_P(Codes, WaitWithCode, ::testing::Values(0, 1, 9, 42, 127, 128, 128 + SIGTERM, 255));

class WaitWithSignal : public ::testing::TestWithParam<int> {};

TEST_P(WaitWithSignal, ReportsTheSignalThatEndedTheChild) {
  Command command = test_command({"die", std::to_string(GetParam())});
  command.limit({RLIMIT_CORE, 0, 0});
  Child child = Child::spawn(command).value();
  const ExitStatus status = child.wait().value();
  EXPECT_EQ(status.kind(), ExitStatus::Kind::kSignaled);
  ASSERT_TRUE(status.signal().has_value());
  EXPECT_EQ(status.signal()->number(), GetParam());
  EXPECT_FALSE(status.exit_code().has_value());
  EXPECT_FALSE(status.success());
  EXPECT_FALSE(status.core_dumped());
}

INSTANTIATE_TEST_SUITE_P(Signals, WaitWithSignal, ::testing::Values(SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGTERM, 34, 64));

TEST(Wait, TellsAnExitWithCode9FromADeathBySignal9) {
  Child exited = Child::spawn(test_command({"exit", "9"})).value();
  Child killed = Child::spawn(test_command({"die", "9"})).value();
  EXPECT_NE(exited.wait().value(), killed.wait().value());
}

// The child is a shell both times: sanitizers switch core dumps off in test_child.
TEST(Wait, SetsTheCoreFlagAsTheKernelDoes) {
  const std::string directory = ::testing::TempDir();
  Command command("/bin/sh");
  command.args({"-c", "kill -SEGV $$"}).cwd(directory);
  rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  command.limit({RLIMIT_CORE, limit.rlim_cur, limit.rlim_max});
  const pid_t reference = ::fork();
  if (reference == 0) {
    if (::chdir(directory.c_str()) != 0 || ::setrlimit(RLIMIT_CORE, &limit) != 0) ::_exit(1);
    ::execl("/bin/sh", "/bin/sh", "-c", "kill -SEGV $$", nullptr);
    ::_exit(1);
  }
  int encoded = 0;
  ASSERT_EQ(::waitpid(reference, &encoded, 0), reference);
  ASSERT_TRUE(WIFSIGNALED(encoded)) << encoded;
  Child child = Child::spawn(command).value();
  const ExitStatus status = child.wait().value();
  EXPECT_EQ(status.signal()->number(), SIGSEGV);
  EXPECT_EQ(status.core_dumped(), WCOREDUMP(encoded) != 0);
  if (!WCOREDUMP(encoded)) GTEST_SKIP() << "no core can be made here; saw the flag false only";
}

TEST(Wait, HandsOverWhatTheChildUsed) {
  Child child = Child::spawn(test_command({"exit", "0"})).value();
  const ExitStatus status = child.wait().value();
  ASSERT_TRUE(status.resource_usage().has_value());
  EXPECT_GT(status.resource_usage()->max_rss_kib, 0);
  EXPECT_GT(status.resource_usage()->minor_faults, 0);
  EXPECT_GE(status.resource_usage()->user_time, absl::ZeroDuration());
}

TEST(Wait, ReturnsTheSameStatusForEver) {
  Child child = Child::spawn(test_command({"exit", "5"})).value();
  const ExitStatus first = child.wait().value();
  EXPECT_EQ(first, ExitStatus::exited(5));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(child.wait().value(), first);
    EXPECT_EQ(child.wait_for(absl::ZeroDuration()).value(), first);
    EXPECT_EQ(child.wait_until(Clock::time_point::max()).value(), first);
    EXPECT_EQ(child.try_wait().value(), first);
    EXPECT_EQ(child.state().status, first);
    EXPECT_EQ(child.kill().value(), first);
    EXPECT_EQ(child.terminate(absl::ZeroDuration(), absl::ZeroDuration()).value(), first);
  }
}

TEST(Wait, ReachesAllWaitersWithOneStatus) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"handle", "USR1", "6"})).value();
  ASSERT_EQ(ack.wait_line(), "ready");
  std::atomic<int> right{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 16; ++i) {
    waiters.emplace_back([&child, &right, i] {
      const ExitStatus expected = ExitStatus::exited(6);
      if (i % 2 == 0 ? child.wait().value() == expected : child.wait_for(kBound).value() == expected) {
        ++right;
      }
    });
  }
  EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(right, 16);
}

TEST(WaitFor, IsEmptyWhenTheTimePassesFirst) {
  Child child = Child::spawn(test_command({"sleep"})).value();
  const auto before = Clock::now();
  EXPECT_EQ(child.wait_for(absl::Milliseconds(50)).value(), std::nullopt);
  EXPECT_GE(Clock::now() - before, std::chrono::milliseconds(50));
  EXPECT_EQ(child.wait_until(Clock::now() + std::chrono::milliseconds(50)).value(), std::nullopt);
  EXPECT_GE(Clock::now() - before, std::chrono::milliseconds(100));
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

TEST(WaitFor, LooksOnceWithoutTime) {
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"handle", "USR1", "6"})).value();
  ASSERT_EQ(ack.wait_line(), "ready");
  const Pidfd process(child.pid());
  EXPECT_EQ(child.wait_for(absl::ZeroDuration()).value(), std::nullopt);
  EXPECT_EQ(child.wait_until(Clock::time_point::min()).value(), std::nullopt);
  EXPECT_EQ(child.wait_until(Clock::time_point()).value(), std::nullopt);
  EXPECT_EQ(child.try_wait().value(), std::nullopt);
  ASSERT_TRUE(child.send_signal(Signal::user1()).has_value());
  ASSERT_TRUE(process.wait_dead());
  EXPECT_EQ(child.wait_for(absl::ZeroDuration()).value(), ExitStatus::exited(6));
}

// Each wait is the first look at its child: none may depend on how soon the reaper thread runs.
TEST(WaitFor, SeesADeadChildAtOnce) {
  const auto look_at_dead = [](auto look) {
    Child child = Child::spawn(test_command({"exit", "3"})).value();
    EXPECT_TRUE(Pidfd(child.pid()).wait_dead());
    const auto before = Clock::now();
    EXPECT_EQ(look(child), ExitStatus::exited(3));
    EXPECT_LT(Clock::now() - before, absl::ToChronoSeconds(kBound));
    EXPECT_TRUE(child.wait().has_value());
  };
  for (int i = 0; i < 20; ++i) {
    look_at_dead([](Child& child) { return child.wait_for(absl::ZeroDuration()).value(); });
    look_at_dead([](Child& child) { return child.wait_for(absl::Hours(1)).value(); });
    look_at_dead([](Child& child) { return child.wait_until(Clock::time_point::min()).value(); });
    look_at_dead([](Child& child) { return child.try_wait().value(); });
    look_at_dead([](Child& child) { return child.state().status; });
  }
}

TEST(WaitFor, WaitsForEverWithAnInfiniteDuration) {
  for (const bool until : {false, true}) {
    Child child = Child::spawn(test_command({"read"}).stdin_from(Stdio::pipe())).value();
    std::optional<ExitStatus> status;
    std::thread waiter([&] {
      status =
          until ? child.wait_until(Clock::time_point::max()).value() : child.wait_for(absl::InfiniteDuration()).value();
    });
    EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt);
    child.close_stdin();
    waiter.join();
    EXPECT_EQ(status, ExitStatus::exited(0));
  }
}

TEST(WaitFor, TakesDurationsThatNoClockHolds) {
  Child child = Child::spawn(test_command({"exit", "0"})).value();
  EXPECT_EQ(child.wait_for(absl::Hours(24) * 365 * 100000).value(), ExitStatus::exited(0));
  Child other = Child::spawn(test_command({"exit", "0"})).value();
  EXPECT_EQ(other.wait_until(Clock::time_point::max() - Clock::duration(1)).value(), ExitStatus::exited(0));
}

TEST(WaitFor, RefusesANegativeDurationNamingIt) {
  Child child = Child::spawn(test_command({"sleep"}).name("sleeper")).value();
  for (const absl::Duration timeout : {absl::Nanoseconds(-1), -absl::InfiniteDuration()}) {
    const auto refused = child.wait_for(timeout);
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().code, std::errc::invalid_argument);
    EXPECT_EQ(refused.error().process_name, "sleeper");
    ASSERT_TRUE(refused.error().invalid_argument.has_value());
    EXPECT_EQ(refused.error().invalid_argument->field, "timeout");
    EXPECT_EQ(refused.error().invalid_argument->value, absl::FormatDuration(timeout));
  }
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_TRUE(child.wait_for(absl::Seconds(-1)).has_error());
}

// A handler without SA_RESTART runs at 4 kHz on the waiting thread.
TEST(WaitFor, IsNeitherEndedNorProlongedByHandlersOfTheHost) {
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
  Child child = Child::spawn(test_command({"sleep"})).value();
  std::atomic<bool> done{false};
  std::thread storm([&done, target = ::pthread_self()] {
    while (!done) {
      ::pthread_kill(target, SIGUSR2);
      std::this_thread::sleep_for(std::chrono::microseconds(250));
    }
  });
  const auto start = Clock::now();
  EXPECT_EQ(child.wait_for(absl::Milliseconds(300)).value(), std::nullopt);
  const auto elapsed = Clock::now() - start;
  EXPECT_GE(elapsed, std::chrono::milliseconds(300));
  EXPECT_LT(elapsed, absl::ToChronoSeconds(kBound));
  EXPECT_EQ(child.terminate(TerminationPolicy::service(kBound)).value().signal(), Signal::terminate());
  done = true;
  storm.join();
  ASSERT_EQ(::sigaction(SIGUSR2, &before, nullptr), 0);
}

}  // namespace
}  // namespace warden::test_support

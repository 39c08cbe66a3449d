// Many threads on one child, and many children at once.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/each_containment.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

constexpr int kThreads = 64;

// Runs `body(i)` on that many threads, all of which start at once.
template <class Body>
void run_threads(int count, Body body) {
  std::atomic<int> waiting{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ++waiting;
      while (waiting < count) std::this_thread::yield();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TerminationPolicy random_policy(std::mt19937& random) {
  const absl::Duration first = absl::Milliseconds(random() % 20);
  const absl::Duration second = absl::Milliseconds(random() % 20);
  switch (random() % 4) {
    case 0:
      return TerminationPolicy::interrupt_first(first, second);
    case 1:
      return TerminationPolicy::service(first);
    case 2:
      return TerminationPolicy::leader_first(first, second);
    default:
      return TerminationPolicy::immediate();
  }
}

// In every log each phase is there once at most, and SIGKILL is the last.
void expect_sound_log(const AttemptLog& log) {
  const std::vector<std::string> sent = sent_signals(log);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    for (std::size_t j = i + 1; j < sent.size(); ++j) EXPECT_NE(sent[i], sent[j]) << log;
    if (sent[i].rfind("SIGKILL", 0) == 0) {
      EXPECT_EQ(i, sent.size() - 1) << log;
    }
  }
}

// Makes one random call; returns the status if the call returned one.
std::optional<ExitStatus> call_something(Child& child, std::mt19937& random) {
  switch (random() % 16) {
    case 0:
      return child.wait().value();
    case 1:
    case 2:
      return child.wait_for(absl::Microseconds(random() % 3000)).value();
    case 3:
      return child.wait_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(1)).value();
    case 4:
    case 5:
      return child.try_wait().value();
    case 6:
    case 7:
      return child.state().status;
    case 8: {
      const TerminationReport report = child.terminate_with_report(random_policy(random)).value();
      expect_sound_log(report.attempts);
      return report.status;
    }
    case 9:
      return child.kill().value();
    case 10:
      expect_sound_log(child.attempt_log());
      return std::nullopt;
    case 11:
      child.close_stdin();
      EXPECT_EQ(child.stdin_fd(), -1);
      return std::nullopt;
    default:
      EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
      return std::nullopt;
  }
}

class Concurrency : public EachContainment {};
WARDEN_FOR_EACH_CONTAINMENT(Concurrency);

TEST_P(Concurrency, AllThreadsSeeOneStatusWhateverTheyCall) {
  const std::vector<std::string> kModes[] = {
      {"sleep"},
      {"stubborn"},
      {"handle", "TERM", "3"},
      {"fork", "stubborn", "--", "sleep"},
      {"exit", "7"},
      {"fork", "stubborn", "--", "exit", "8"},
  };
  for (unsigned round = 0; round < 24; ++round) {
    Command command = contained(test_command(kModes[round % std::size(kModes)]));
    Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
    std::vector<std::optional<ExitStatus>> seen(kThreads);
    run_threads(kThreads, [&](int i) {
      std::mt19937 random(round * 1000 + static_cast<unsigned>(i));
      // The first thread certainly ends the child, since the others may all wait for it.
      if (i == 0) seen[0] = child.terminate(random_policy(random)).value();
      auto& own = seen[static_cast<std::size_t>(i)];
      for (int calls = 0; calls < 30 || !own.has_value(); ++calls) {
        const std::optional<ExitStatus> status = call_something(child, random);
        if (own.has_value() && status.has_value()) {
          EXPECT_EQ(*status, *own);
        }
        if (status.has_value()) own = status;
      }
    });
    for (const auto& status : seen) EXPECT_EQ(status, seen[0]) << "round " << round;
    EXPECT_NE(seen[0]->kind(), ExitStatus::Kind::kLost);
    EXPECT_TRUE(child.kill().has_value());
    EXPECT_THAT(live_members(child.pid()), ::testing::IsEmpty());
  }
}

TEST_P(Concurrency, AThousandLooksDuringTheExitAgree) {
  for (int round = 0; round < 30; ++round) {
    Child child = Child::spawn(contained(test_command({"exit", "7"}))).value();
    run_threads(16, [&](int) {
      std::optional<ExitStatus> status;
      while (!status.has_value()) status = child.state().status;
      EXPECT_EQ(status, ExitStatus::exited(7));
      EXPECT_EQ(child.try_wait().value(), status) << "once exited, always exited";
    });
  }
}

TEST_P(Concurrency, AllWhoTerminateShareOneEscalationAndItsLog) {
  for (int round = 0; round < 5; ++round) {
    AckPipe ack;
    Child child = Child::spawn(contained(test_command(ack, {"mark", "INT", "TERM"}))).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    std::mutex mutex;
    std::vector<std::string> logs;
    run_threads(kThreads, [&](int i) {
      const absl::Duration timeout = absl::Milliseconds(100 + i);
      const TerminationReport report =
          child.terminate_with_report(TerminationPolicy::interrupt_first(timeout, timeout)).value();
      EXPECT_EQ(report.status, ExitStatus::signaled(Signal::kill(), false));
      const std::vector<std::string> sent = sent_signals(report.attempts);
      if (sent.empty()) return;  // the call came after the end
      EXPECT_THAT(sent, ElementsAre(to_all("SIGINT"), to_all("SIGTERM"), to_all("SIGKILL")));
      const std::lock_guard<std::mutex> lock(mutex);
      logs.push_back(report.attempts.to_string());
    });
    ASSERT_FALSE(logs.empty());
    for (const std::string& log : logs) EXPECT_EQ(log, logs[0]);
    ack.close_write();
    std::vector<std::string> arrived;
    for (std::string line; !(line = ack.wait_line()).empty();) arrived.push_back(line);
    EXPECT_LE(std::count(arrived.begin(), arrived.end(), "got SIGINT"), 1);
    EXPECT_LE(std::count(arrived.begin(), arrived.end(), "got SIGTERM"), 1);
  }
}

TEST_P(Concurrency, KillEndsAnEscalationThatWouldWaitForEver) {
  AckPipe ack;
  Child child = Child::spawn(contained(test_command(ack, {"mark", "INT", "TERM"}))).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  const absl::Duration infinite = absl::InfiniteDuration();
  std::optional<TerminationReport> report;
  std::thread terminator(
      [&] { report = child.terminate_with_report(TerminationPolicy::interrupt_first(infinite, infinite)).value(); });
  ASSERT_TRUE(ack.wait_for("got SIGINT"));
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  terminator.join();
  EXPECT_THAT(sent_signals(report->attempts), ElementsAre(to_all("SIGINT"), to_all("SIGKILL")));
  EXPECT_EQ(child.attempt_log().to_string(), report->attempts.to_string());
}

TEST_P(Concurrency, AShorterPolicyShortensTheEscalationThatRuns) {
  AckPipe ack;
  Child child = Child::spawn(contained(test_command(ack, {"mark", "INT", "TERM"}))).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  std::optional<TerminationReport> report;
  std::thread terminator([&] {
    report = child
                 .terminate_with_report(
                     TerminationPolicy::interrupt_first(absl::InfiniteDuration(), absl::InfiniteDuration()))
                 .value();
  });
  ASSERT_TRUE(ack.wait_for("got SIGINT"));
  EXPECT_EQ(child.terminate(absl::ZeroDuration(), absl::Seconds(1)).value().signal(), Signal::kill());
  terminator.join();
  EXPECT_THAT(sent_signals(report->attempts), ElementsAre(to_all("SIGINT"), to_all("SIGTERM"), to_all("SIGKILL")));
}

// The leader has ended, and a member of the group keeps the first call waiting.
TEST_P(Concurrency, KillEndsAnEscalationThatWaitsForSurvivors) {
  AckPipe ack;
  Child child = Child::spawn(contained(test_command(ack, {"fork", "mark", "INT", "--", "sleep"}))).value();
  const Pidfd grandchild(wait_forked(ack, {"child ready"}));
  const absl::Duration infinite = absl::InfiniteDuration();
  std::thread terminator([&] { EXPECT_EQ(child.terminate(infinite, infinite).value().signal(), Signal::interrupt()); });
  ASSERT_TRUE(ack.wait_for("child got SIGINT"));
  EXPECT_EQ(child.wait().value().signal(), Signal::interrupt());
  EXPECT_EQ(child.kill().value().signal(), Signal::interrupt());
  terminator.join();
  EXPECT_TRUE(grandchild.is_dead());
}

TEST_P(Concurrency, AThousandChildrenAreEndedByEightThreads) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  constexpr int kChildren = 1000;
  constexpr int kEnders = 8;
  std::vector<Child> children;
  for (int i = 0; i < kChildren; ++i) children.push_back(Child::spawn(contained(test_command({"sleep"}))).value());
  TerminationPolicy kill = TerminationPolicy::immediate();
  kill.kill_timeout = kBound;  // where hundreds end at once, one takes seconds to end
  run_threads(kEnders, [&](int ender) {
    for (int i = ender; i < kChildren; i += kEnders) {
      Child& child = children[static_cast<std::size_t>(i)];
      EXPECT_EQ(child.try_wait().value(), std::nullopt);
      const Signal expected = i % 3 == 0 ? Signal::kill() : Signal::interrupt();
      EXPECT_EQ(i % 3 == 0 ? child.terminate(kill).value() : child.terminate(kBound, kBound).value(),
                ExitStatus::signaled(expected, false));
    }
  });
  children.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace warden::test_support

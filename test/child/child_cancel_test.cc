// pthread_cancel before a call on a child: the call completes, and the thread is cancelled only afterwards.
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/cancellable_thread.h"
#include "test/support/child_probe.h"
#include "test/support/each_containment.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

class Cancellation : public EachContainment {
 protected:
  // The C library claims a signal with the first cancellation; this one comes before the leak listener's first
  // snapshot.
  static void SetUpTestSuite() {
    expect_to_complete([] {});
  }

  static Child spawn_sleeper() {
    return Child::spawn(contained(test_command({"sleep"})).stdin_from(Stdio::pipe())).value();
  }
};

WARDEN_FOR_EACH_CONTAINMENT(Cancellation);

TEST_P(Cancellation, ARequestedOneLetsEveryCallComplete) {
  Child child = spawn_sleeper();
  expect_to_complete([&] { EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning); });
  expect_to_complete([&] { EXPECT_EQ(child.try_wait().value(), std::nullopt); });
  expect_to_complete([&] { EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt); });
  expect_to_complete([&] { EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value()); });
  expect_to_complete([&] { EXPECT_EQ(child.attempt_log().size(), 1u); });
  expect_to_complete([&] { EXPECT_GT(child.stdin_fd(), 2); });
  expect_to_complete([&] { EXPECT_TRUE(child.write_stdin("hello", kBound).has_value()); });
  expect_to_complete([&] { child.close_stdin(); });
  EXPECT_EQ(child.stdin_fd(), -1);
  expect_to_complete([&] { child.detach_on_destruction(); });
  expect_to_complete([&] { child.kill_on_destruction(); });
  expect_to_complete([&] { EXPECT_TRUE(child.terminate_on_destruction().has_value()); });
  expect_to_complete(
      [&] { EXPECT_EQ(child.wait_until(std::chrono::steady_clock::time_point()).value(), std::nullopt); });
  expect_to_complete([&] { EXPECT_EQ(child.kill().value().signal(), Signal::kill()); });
  expect_to_complete([&] { EXPECT_EQ(child.wait().value().signal(), Signal::kill()); });
}

TEST_P(Cancellation, ARequestedOneLetsEachManualSignalComplete) {
  Child interrupted = spawn_sleeper();
  expect_to_complete([&] { EXPECT_TRUE(interrupted.send_interrupt_signal().has_value()); });
  EXPECT_EQ(interrupted.wait().value().signal(), Signal::interrupt());
  Child terminated = spawn_sleeper();
  expect_to_complete([&] { EXPECT_TRUE(terminated.send_terminate_signal().has_value()); });
  EXPECT_EQ(terminated.wait().value().signal(), Signal::terminate());
}

TEST_P(Cancellation, ARequestedOneLetsTheCallsThatCloseThePipeComplete) {
  Child waited = Child::spawn(contained(test_command({"read"})).stdin_from(Stdio::pipe())).value();
  expect_to_complete([&] { EXPECT_EQ(waited.wait().value(), ExitStatus::exited(0)); });
  Child killed = spawn_sleeper();
  expect_to_complete([&] { EXPECT_EQ(killed.kill().value().signal(), Signal::kill()); });
  Child ended = spawn_sleeper();
  expect_to_complete([&] { EXPECT_EQ(ended.terminate(kBound, kBound).value().signal(), Signal::interrupt()); });
  Child reported = spawn_sleeper();
  const TerminationPolicy policy = TerminationPolicy::service(kBound);
  expect_to_complete([&] { EXPECT_EQ(reported.terminate_with_report(policy).value().cause, EndCause::kByUs); });
  Child late = spawn_sleeper();
  expect_to_complete([&] { EXPECT_TRUE(late.wait_or_terminate({}, policy).has_value()); });
}

TEST_P(Cancellation, ARequestedOneLetsTerminateAllComplete) {
  std::vector<Child> children;
  for (int i = 0; i < 5; ++i) children.push_back(spawn_sleeper());
  expect_to_complete([&] {
    for (const auto& one : terminate_all(children, TerminationPolicy::service(kBound))) {
      EXPECT_EQ(one.value().status.signal(), Signal::terminate());
    }
  });
}

TEST_P(Cancellation, ARequestedOneLetsTheDestructorComplete) {
  CapturedLog log;
  auto child = std::make_unique<Child>(spawn_sleeper());
  const Pidfd process(child->pid());
  expect_to_complete([&] { child.reset(); });
  EXPECT_TRUE(process.is_dead());
  EXPECT_EQ(log.records().size(), 1u);
  auto seen = std::make_unique<Child>(Child::spawn(contained(test_command({"exit", "0"}))).value());
  EXPECT_TRUE(seen->wait().has_value());
  expect_to_complete([&] { seen.reset(); });
  auto ended = std::make_unique<Child>(spawn_sleeper());
  ASSERT_TRUE(ended->terminate_on_destruction(TerminationPolicy::service(kBound)).has_value());
  const Pidfd other(ended->pid());
  expect_to_complete([&] { ended.reset(); });
  EXPECT_TRUE(other.is_dead());
}

TEST_P(Cancellation, ARequestedOneLetsAssignmentComplete) {
  CapturedLog log;
  Child first = spawn_sleeper();
  Child second = spawn_sleeper();
  const Pidfd process(first.pid());
  expect_to_complete([&] { first = std::move(second); });
  EXPECT_TRUE(process.is_dead());
  EXPECT_EQ(first.kill().value().signal(), Signal::kill());
}

TEST_P(Cancellation, ARequestedOneLetsSpawnComplete) {
  for (const bool die_with_parent : {false, true}) {
    Command command = contained(test_command({"sleep"})).stdin_from(Stdio::pipe());
    command.die_with_parent(die_with_parent);
    std::optional<Child> child;
    expect_to_complete([&] { child.emplace(Child::spawn(command).value()); });
    EXPECT_EQ(child->kill().value().signal(), Signal::kill());
    Command missing("/nonexistent/program");
    missing.stdin_from(Stdio::pipe()).die_with_parent(die_with_parent);
    expect_to_complete([&] { EXPECT_TRUE(Child::spawn(missing).has_error()); });
  }
}

TEST_P(Cancellation, ARequestedOneLetsAdoptComplete) {
  expect_to_complete([] { EXPECT_TRUE(Child::adopt(::getppid()).has_error()); });
  const pid_t forked = ::fork();
  if (forked == 0) {
    for (;;) ::pause();
  }
  std::optional<Child> child;
  expect_to_complete([&] { child.emplace(Child::adopt(forked).value()); });
  EXPECT_EQ(child->kill().value().signal(), Signal::kill());
}

}  // namespace
}  // namespace warden::test_support

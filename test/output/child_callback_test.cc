// What a callback may do with its own child, and what the end of the child's handle does while a callback runs.
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/output_helpers.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;

// Runs the body in a callback of the child, and waits for its end.
void in_callback(Child& child, const std::function<void()>& body) {
  Gate done;
  ASSERT_TRUE(child
                  .on_line(kStdout,
                           [&](const Line&) {
                             body();
                             done.open();
                           })
                  .has_value());
  done.wait();
}

Child spawn_lasting() { return Child::spawn(captured_shell("echo line; exec sleep 600")).value(); }

TEST(Callback, IsRefusedEveryWaitForItsOwnChild) {
  Child child = spawn_lasting();
  const auto future = std::chrono::steady_clock::now() + std::chrono::hours(1);
  const TerminationPolicy policy = TerminationPolicy::service(kBound);
  in_callback(child, [&] {
    EXPECT_EQ(child.wait().error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.wait_for(kBound).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.wait_until(future).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(make_error_code(child.wait_or_terminate(kBound, policy).error()), Errc::kWouldDeadlock);
    EXPECT_EQ(child.wait_for_line(kStdout, "x", kBound).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.wait_for_text(kStdout, "x", kBound).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.drain_output().error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.wait_until_ready([] { return false; }, kBound, kBound).error().code, Errc::kWouldDeadlock);
  });
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(Callback, IsRefusedEveryTerminationOfItsOwnChild) {
  Child child = spawn_lasting();
  const TerminationPolicy policy = TerminationPolicy::service(kBound);
  in_callback(child, [&] {
    EXPECT_EQ(child.terminate(kBound, kBound).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.terminate(policy).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.terminate_with_report(policy).error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(child.kill().error().code, Errc::kWouldDeadlock);
    EXPECT_EQ(terminate_all({&child}, policy)[0].error().code, Errc::kWouldDeadlock);
  });
  EXPECT_TRUE(child.attempt_log().empty());
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(Callback, MayLookAndSignalAndAttachOthers) {
  LineBox other;
  Child child = spawn_lasting();
  in_callback(child, [&] {
    EXPECT_EQ(child.try_wait().value(), std::nullopt);
    EXPECT_EQ(child.wait_for(absl::ZeroDuration()).value(), std::nullopt);
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    EXPECT_EQ(child.output(kStdout).value().text(), "line\n");
    EXPECT_TRUE(child.on_line(kStdout, other.callback()).has_value());
    EXPECT_TRUE(child.send_signal(Signal::kill()).has_value());
  });
  EXPECT_EQ(child.wait().value().signal(), Signal::kill());
  EXPECT_THAT(other.wait_for(1), ElementsAre("line"));
}

// The callback answers a line, as a program answers a prompt. A write without a timeout could wait for the child while
// the child waits for the reader of its output, which runs this callback.
TEST(Callback, MayWriteToItsOwnChildForATime) {
  const std::string script = "echo prompt; read -r answer; [ \"$answer\" = yes ] && exit 7";
  Child child = Child::spawn(captured_shell(script).stdin_from(Stdio::pipe())).value();
  in_callback(child, [&] {
    const StdinError refused = child.write_stdin("never\n", absl::InfiniteDuration()).error();
    EXPECT_EQ(refused.kind, StdinError::Kind::kRefused);
    EXPECT_EQ(refused.code, Errc::kWouldDeadlock);
    EXPECT_EQ(refused.written, 0u);
    EXPECT_TRUE(child.write_stdin("yes\n", kBound).has_value());
  });
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(7));
}

TEST(Callback, TextOfItsExceptionForgesNoLineOfTheLog) {
  const CapturedLog log;
  {
    Child child = Child::spawn(captured_shell("echo line")).value();
    ASSERT_TRUE(
        child.on_line(kStdout, [](const Line&) { throw std::runtime_error("not a number: 12\nerror: \x1b[2J"); })
            .has_value());
    EXPECT_TRUE(child.wait().has_value());
    EXPECT_TRUE(child.drain_output(kBound).value().complete());
  }
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records().front().error, "not a number: 12\\x0aerror: \\x1b[2J");
}

TEST(Callback, MayEndAnyOtherChild) {
  Child child = spawn_lasting();
  Child other = spawn_lasting();
  in_callback(child, [&] {
    EXPECT_TRUE(other.wait_for_line(kStdout, "line", kBound).value().matched());
    EXPECT_EQ(other.kill().value().signal(), Signal::kill());
    EXPECT_TRUE(other.drain_output(kBound).value().complete());
  });
  EXPECT_TRUE(child.kill().has_value());
}

// The destructor runs in the callback's thread, so waiting for the callback would be waiting for itself.
TEST(Callback, ThatDestroysItsOwnChildEndsItAndIsNotWaitedFor) {
  const CapturedLog log;
  Gate done;
  auto child = std::make_unique<Child>(spawn_lasting());
  const Pidfd process(child->pid());
  Child* const raw = child.get();
  ASSERT_TRUE(raw->on_line(kStdout,
                           [&](const Line&) {
                             child.reset();
                             done.open();
                           })
                  .has_value());
  done.wait();
  EXPECT_TRUE(process.is_dead());
  EXPECT_EQ(log.records().size(), 1u) << "that it was killed";
}

TEST(Destructor, WaitsForTheCallbackThatRunsAndStartsNoneAfter) {
  Gate called, go_on;
  std::atomic<int> calls{0};
  std::atomic<bool> finished{false}, destroyed{false};
  auto child = std::make_unique<Child>(Child::spawn(captured_shell("yes & yes >&2 & wait")).value());
  const Pidfd process(child->pid());
  for (const OutputStream stream : {kStdout, kStderr}) {
    ASSERT_TRUE(child
                    ->on_line(stream,
                              [&](const Line&) {
                                EXPECT_FALSE(destroyed);
                                if (++calls != 100) return;
                                called.open();
                                go_on.wait();
                                finished = true;
                              })
                    .has_value());
  }
  called.wait();
  child->detach_on_destruction();
  ASSERT_TRUE(child->send_signal(Signal::kill()).has_value());
  std::thread destroyer([&] {
    child.reset();
    EXPECT_TRUE(finished);
    destroyed = true;
  });
  ASSERT_TRUE(process.wait_dead());
  go_on.open();
  destroyer.join();
}

TEST(Destructor, LetsCallbacksRunWhileItEndsTheChild) {
  LineBox box;
  {
    Child child =
        Child::spawn(captured_shell("trap 'seq 1 200000; exit' TERM; echo ready; while :; do sleep 0.05; done"))
            .value();
    ASSERT_TRUE(child.wait_for_line(kStdout, "ready", kBound).value().matched());
    ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
    ASSERT_TRUE(child.terminate_on_destruction(TerminationPolicy::service(kBound)).has_value());
  }
  EXPECT_GT(box.lines().size(), 100'000u) << "or its handler would have stood still at the full pipe";
}

}  // namespace
}  // namespace warden::test_support

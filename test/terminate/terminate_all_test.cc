// terminate_all on real children.
#include <signal.h>

#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Spawns children that are ready for signals.
std::vector<Child> spawn(AckPipe& ack, int count, const std::vector<std::string>& mode) {
  std::vector<Child> children;
  for (int i = 0; i < count; ++i) {
    children.push_back(Child::spawn(test_command(ack, mode)).value());
    EXPECT_TRUE(ack.wait_for("ready"));
  }
  return children;
}

TEST(TerminateAll, EndsAllByThePolicy) {
  AckPipe ack;
  std::vector<Child> children = spawn(ack, 20, {"handle", "TERM", "3"});
  const auto ended = terminate_all(children, TerminationPolicy::service(kBound));
  ASSERT_EQ(ended.size(), 20u);
  for (const auto& one : ended) {
    EXPECT_EQ(one.value().status, ExitStatus::exited(3));
    EXPECT_EQ(one.value().ended_by, AttemptPhase::kTerminate);
    EXPECT_EQ(one.value().cause, EndCause::kByUs);
  }
}

// With infinite timeouts only the signal itself ends a wait. If the library waited for a child before it had signalled
// the next, that wait would never end, since the child exits only when the next one is gone.
TEST(TerminateAll, NobodyIsWaitedForBeforeAllHaveTheirSignal) {
  AckPipe held;
  // The first exits when the last write end closes; the second holds it until its signal.
  Command second_command = test_command({"sleep"});
  second_command.inherit_fd(held.write_fd());
  Child second = Child::spawn(second_command).value();
  Command first_command("sh");
  first_command.args({"-c", "trap 'read line; exit 5' TERM; echo ready >&2; while :; do sleep 0.01; done"})
      .stdin_from(Stdio::fd(held.read_fd()));
  AckPipe ready;
  first_command.stderr_to(Stdio::fd(ready.write_fd()));
  Child first = Child::spawn(first_command).value();
  ASSERT_TRUE(ready.wait_for("ready"));
  held.close_write();
  TerminationPolicy policy = TerminationPolicy::leader_first(absl::InfiniteDuration(), absl::InfiniteDuration());
  const auto ended = terminate_all({&first, &second}, policy);
  EXPECT_EQ(ended[0].value().status, ExitStatus::exited(5));
  EXPECT_EQ(ended[1].value().status.signal(), Signal::terminate());
}

TEST(TerminateAll, EndsTheWholeGroupOfEach) {
  std::vector<Child> children;
  std::vector<std::unique_ptr<Pidfd>> workers;
  AckPipe ack;
  for (int i = 0; i < 5; ++i) {
    children.push_back(Child::spawn(test_command(ack, {"fork", "stubborn", "--", "exit", "0"})).value());
    workers.push_back(std::make_unique<Pidfd>(wait_forked(ack, {"child ready"})));
    ASSERT_TRUE(children.back().wait().value().success());
  }
  for (const auto& one : terminate_all(children, TerminationPolicy::service(absl::Milliseconds(50)))) {
    EXPECT_TRUE(one.value().forced);
    EXPECT_EQ(one.value().cause, EndCause::kNatural);
    EXPECT_EQ(one.value().survivors.size(), 1u);
  }
  for (const auto& worker : workers) EXPECT_TRUE(worker->is_dead());
  for (const Child& child : children) EXPECT_THAT(live_members(child.pid()), IsEmpty());
}

TEST(TerminateAll, NoneIsArmedAfterwards) {
  CapturedLog log;
  {
    AckPipe ack;
    std::vector<Child> children = spawn(ack, 3, {"sleep"});
    terminate_all(children, TerminationPolicy::immediate());
  }
  EXPECT_TRUE(log.records().empty());
}

TEST(TerminateAll, AWrongPolicyIsRefusedForEachAndNobodyIsSentAnything) {
  AckPipe ack;
  std::vector<Child> children = spawn(ack, 2, {"sleep"});
  const auto ended = terminate_all(children, TerminationPolicy::service(-absl::Seconds(1)));
  ASSERT_EQ(ended.size(), 2u);
  for (const auto& one : ended) {
    EXPECT_EQ(one.error().kind, TerminationError::Kind::kRefused);
    EXPECT_THAT(one.error().to_string(), HasSubstr("phases[0].timeout"));
  }
  for (Child& child : children) {
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    EXPECT_TRUE(child.kill().has_value());
  }
}

TEST(TerminateAll, ThoseThatAreNoChildAreSaidAndTheOthersEnded) {
  Child gone = Child::spawn(test_command({"sleep"})).value();
  Child child = std::move(gone);
  const auto ended = terminate_all({nullptr, &child, &gone}, TerminationPolicy::immediate());
  ASSERT_EQ(ended.size(), 3u);
  EXPECT_EQ(ended[0].error().code, Errc::kEmptyHandle);
  EXPECT_TRUE(ended[1].has_value());
  EXPECT_EQ(ended[2].error().code, Errc::kEmptyHandle);
}

TEST(TerminateAll, NobodyIsNothing) {
  EXPECT_TRUE(terminate_all(std::vector<Child*>(), TerminationPolicy::immediate()).empty());
}

TEST(TerminateAll, SharesARunThatIsUnderWay) {
  AckPipe ack;
  std::vector<Child> children = spawn(ack, 3, {"stubborn"});
  std::vector<std::thread> threads;
  for (Child& child : children) {
    threads.emplace_back(
        [&child] { EXPECT_TRUE(child.terminate(absl::InfiniteDuration(), absl::InfiniteDuration()).has_value()); });
  }
  const auto ended = terminate_all(children, TerminationPolicy::immediate());
  for (std::thread& thread : threads) thread.join();
  for (const auto& one : ended) EXPECT_TRUE(one.has_value());
}

TEST(TerminateAll, ASecondCallReturnsTheSameAndSendsNothing) {
  AckPipe ack;
  std::vector<Child> children = spawn(ack, 2, {"sleep"});
  const auto first = terminate_all(children, TerminationPolicy::immediate());
  const auto second = terminate_all(children, TerminationPolicy::immediate());
  for (std::size_t i = 0; i < children.size(); ++i) {
    EXPECT_EQ(second[i].value().status, first[i].value().status);
    EXPECT_THAT(sent_signals(second[i].value().attempts), IsEmpty());
  }
}

TEST(TerminateAll, AThousandAreAllGoneAfterwards) {
  std::vector<Child> children;
  for (int i = 0; i < 1000; ++i) children.push_back(Child::spawn(test_command({"sleep"})).value());
  for (const auto& one : terminate_all(children, TerminationPolicy::service(kBound))) {
    EXPECT_EQ(one.value().status.signal(), Signal::terminate());
    EXPECT_FALSE(one.value().forced);
  }
}

}  // namespace
}  // namespace warden::test_support

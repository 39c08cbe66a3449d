// What the fixture and the scoped child do at the end of a test, seen from inside. What a whole failed test looks like
// is inner_run_test.cc's.
#include "warden/testing/child_fixture.h"

#include <signal.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/testing/matchers.h"
#include "warden/testing/scoped_child.h"

namespace warden_testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using warden::Child;
using warden::Command;
using warden::OutputStream;
using warden::Signal;
using warden::Stdio;
using warden::TerminationPolicy;
using warden::testing::AckPipe;
using warden::testing::kBound;
using warden::testing::live_members;
using warden::testing::Pidfd;
using warden::testing::test_command;
using warden::testing::wait_forked;

constexpr bool kMayExit = true;

// The messages of the failures that the body causes.
std::vector<std::string> failures_of(const std::function<void()>& body) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    body();
  }
  std::vector<std::string> messages;
  for (int i = 0; i < results.size(); ++i) messages.emplace_back(results.GetTestPartResult(i).message());
  return messages;
}

// Counts the handles that are destroyed too early.
class MisuseCount {
 public:
  MisuseCount() { warden::set_misuse_handler(count, this); }
  ~MisuseCount() { warden::set_misuse_handler(nullptr, nullptr); }
  MisuseCount(const MisuseCount&) = delete;
  MisuseCount& operator=(const MisuseCount&) = delete;
  int value() const { return value_; }

 private:
  static void count(const warden::Misuse&, void* context) { ++static_cast<MisuseCount*>(context)->value_; }
  int value_ = 0;
};

// A fixture in the hands of a test.
class Fixture : public ChildFixture {
 public:
  using ChildFixture::end_all_at_once;
  using ChildFixture::spawn;
  using ChildFixture::TearDown;
  void TestBody() override {}
};

Command shell(const std::string& script) {
  Command command("/bin/sh");
  command.args({"-c", script}).name("shell");
  return command;
}

// A shell that says "ready", and does that on SIGTERM before it exits. It writes to the pipe as descriptor 9.
Command shell_with_handler(const AckPipe& ack, const std::string& on_term) {
  return shell("trap '" + on_term + "; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
      .inherit_fd(ack.write_fd(), 9);
}

SpawnOptions ready_on(const std::string& text) {
  SpawnOptions options;
  options.ready = Ready::on_line(text);
  return options;
}

SpawnOptions may_exit(bool may) {
  SpawnOptions options;
  options.may_exit = may;
  return options;
}

// What a child that has ended by itself does to the test, which has not looked.
std::vector<std::string> failures_of_ended(const std::vector<std::string>& mode, const SpawnOptions& options) {
  return failures_of([&] {
    const ScopedChild child(test_command(mode), options);
    const Pidfd process(child->pid());
    ASSERT_TRUE(process.wait_dead());
  });
}

TEST(TearDownTest, EndsTheChildAndItsGroupInSilence) {
  AckPipe ack;
  int leader = -1;
  ::testing::internal::CaptureStdout();
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command(ack, {"fork", "sleep", "--", "sleep"}));
                ASSERT_TRUE(child.ok());
                leader = child->pid();
                wait_forked(ack, {"ready", "child ready"});
              }),
              IsEmpty());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  ASSERT_GT(leader, 0);
  EXPECT_THAT(live_members(leader), IsEmpty());
}

TEST(TearDownTest, ExitBeforeTheEndFailsTheTestWithTheStatusAndTheLog) {
  const auto failures = failures_of_ended({"exit", "3"}, may_exit(false));
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_THAT(failures[0], HasSubstr("child 'exit' (pid "));
  EXPECT_THAT(failures[0], HasSubstr("had ended before the test: exited with code 3"));
  EXPECT_THAT(failures[0], HasSubstr("[1] preflight"));
}

TEST(TearDownTest, SuccessfulExitBeforeTheEndFailsTheTestToo) {
  EXPECT_THAT(failures_of_ended({"exit", "0"}, may_exit(false)), ElementsAre(HasSubstr("exited with code 0")));
}

TEST(TearDownTest, ChildThatMayExitMayExitWithAnyCode) {
  EXPECT_THAT(failures_of_ended({"exit", "3"}, may_exit(kMayExit)), IsEmpty());
}

TEST(TearDownTest, CrashFailsTheTestEvenOfAChildThatMayExit) {
  EXPECT_THAT(failures_of_ended({"die", "SEGV"}, may_exit(false)),
              ElementsAre(HasSubstr("crashed: killed by SIGSEGV")));
  EXPECT_THAT(failures_of_ended({"die", "SEGV"}, may_exit(kMayExit)),
              ElementsAre(HasSubstr("crashed: killed by SIGSEGV")));
  EXPECT_THAT(failures_of_ended({"die", "KILL"}, may_exit(kMayExit)),
              ElementsAre(HasSubstr("crashed: killed by SIGKILL")));
}

TEST(TearDownTest, CrashWhileItIsEndedFailsTheTest) {
  AckPipe ack;
  EXPECT_THAT(
      failures_of([&] {
        const ScopedChild child(shell_with_handler(ack, "kill -SEGV $$"), ready_on("ready"));
        ASSERT_TRUE(child.ok());
      }),
      ElementsAre(AllOf(HasSubstr("crashed: killed by SIGSEGV"), HasSubstr("send_signal SIGTERM to group: ok"))));
}

TEST(TearDownTest, EndThatTheTestHasSeenIsTheTestsBusiness) {
  EXPECT_THAT(failures_of([] {
                const ScopedChild exits(test_command({"exit", "3"})), dies(test_command({"die", "SEGV"}));
                EXPECT_THAT(exits->wait(), ExitedWith(3));
                EXPECT_THAT(dies->wait(), ::testing::_);
              }),
              IsEmpty());
}

TEST(TearDownTest, EndByTheTestsOwnSignalsIsNoFailure) {
  for (const Signal signal : {Signal::interrupt(), Signal::terminate(), Signal::kill()}) {
    EXPECT_THAT(failures_of([&] {
                  const ScopedChild child(test_command({"sleep"}));
                  ASSERT_TRUE(child->send_signal(signal).has_value());
                  ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
                }),
                IsEmpty())
        << signal;
  }
  EXPECT_THAT(failures_of([] {
                const ScopedChild child(test_command({"sleep"}));
                EXPECT_THAT(child->kill(), KilledBy(Signal::kill()));
              }),
              IsEmpty());
}

TEST(TearDownTest, EndAfterASignalThatAsksForNoneFailsTheTest) {
  AckPipe ack;
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command(ack, {"handle", "HUP", "1"}));
                ASSERT_TRUE(ack.wait_for("ready"));
                ASSERT_TRUE(child->send_signal(Signal::hangup()).has_value());
                ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
              }),
              ElementsAre(HasSubstr("had ended before the test: exited with code 1")));
}

TEST(TearDownTest, WhatAnEndedChildHasLeftInItsGroupIsEnded) {
  SpawnOptions options = may_exit(kMayExit);
  options.policy = TerminationPolicy::service(absl::Milliseconds(10));
  for (const bool test_waits : {false, true}) {
    AckPipe ack;
    int leader = -1;
    EXPECT_THAT(failures_of([&] {
                  const ScopedChild child(test_command(ack, {"fork", "stubborn"}), options);
                  leader = child->pid();
                  wait_forked(ack, {"child ready"});
                  ASSERT_TRUE(Pidfd(leader).wait_dead());
                  if (test_waits) {
                    EXPECT_THAT(child->wait(), ExitedWith(0));
                  }
                  ASSERT_EQ(live_members(leader).size(), 1U);
                }),
                IsEmpty());
    EXPECT_THAT(live_members(leader), IsEmpty()) << test_waits;
  }
}

TEST(TearDownTest, ChildThatTheTestHasExcusedIsEndedAllTheSame) {
  int pid = -1;
  {
    const ScopedChild child(test_command({"sleep"}));
    pid = child->pid();
    child->must_not_be_terminated();
  }
  EXPECT_THAT(live_members(pid), IsEmpty());
}

TEST(TearDownTest, ChildThatCannotBeEndedFailsTheTestWithTheLogAndIsNoMisuse) {
  AckPipe ack;
  const MisuseCount misuses;
  std::optional<Child> tracer;
  SpawnOptions options;
  options.policy = TerminationPolicy::immediate();
  options.policy.kill_timeout = absl::Milliseconds(1);
  const auto failures = failures_of([&] {
    const ScopedChild traced(test_command({"sleep"}), options);
    tracer = Child::spawn(test_command(ack, {"trace", std::to_string(traced->pid())})).value();
    ASSERT_TRUE(ack.wait_for("tracing"));
  });
  ASSERT_TRUE(tracer->kill().has_value());
  EXPECT_THAT(failures, ElementsAre(AllOf(HasSubstr("child 'sleep'"), HasSubstr("could not be ended"),
                                          HasSubstr("kill send_signal SIGKILL to group: ok"))));
  EXPECT_EQ(misuses.value(), 0);
  EXPECT_TRUE(warden::testing::wait_until_childless());
}

TEST(TearDownTest, FailureStandsAtTheLineOfTheSpawn) {
  ::testing::TestPartResultArray results;
  int line = 0;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    line = __LINE__ + 1;
    const ScopedChild child(test_command({"exit", "3"}));
    ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
    Fixture fixture;
    EXPECT_EQ(fixture.spawn(Command("/no/such/program")), nullptr);
  }
  ASSERT_EQ(results.size(), 2);
  EXPECT_EQ(results.GetTestPartResult(0).line_number(), line + 3);
  EXPECT_EQ(results.GetTestPartResult(1).line_number(), line);
  EXPECT_THAT(results.GetTestPartResult(1).file_name(), EndsWith("child_fixture_test.cc"));
}

TEST(TearDownTest, FailureHasTheLastLinesOfBothStreams) {
  const auto failures = failures_of([] {
    const ScopedChild child(shell("echo first; echo second >&2; exit 3"));
    ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
  });
  EXPECT_THAT(failures, ElementsAre(AllOf(HasSubstr("last lines of stdout:\n    first\n"),
                                          HasSubstr("last lines of stderr:\n    second\n"))));
}

TEST(TearDownTest, ChildOfAScopeThatAnExceptionLeavesIsEndedAndItsLastLinesArePrinted) {
  ::testing::internal::CaptureStdout();
  int pid = -1;
  EXPECT_THAT(failures_of([&] {
                try {
                  const ScopedChild child(shell("echo listening; exec sleep 600"), ready_on("listening"));
                  pid = child->pid();
                  throw std::runtime_error("a test's");
                } catch (const std::runtime_error&) {
                }
              }),
              IsEmpty());
  EXPECT_THAT(::testing::internal::GetCapturedStdout(),
              AllOf(HasSubstr("child 'shell' (pid " + std::to_string(pid) + "): killed by SIGTERM"),
                    HasSubstr("last lines of stdout:\n    listening\n")));
  EXPECT_THAT(live_members(pid), IsEmpty());
}

TEST(FixtureTest, EndsChildrenOneAfterTheOtherTheLastFirst) {
  AckPipe ack;
  Fixture fixture;
  ASSERT_NE(fixture.spawn(shell_with_handler(ack, "echo first >&9"), ready_on("ready")), nullptr);
  ASSERT_NE(fixture.spawn(shell_with_handler(ack, "echo second >&9"), ready_on("ready")), nullptr);
  fixture.TearDown();
  EXPECT_EQ(ack.wait_line(), "second");
  EXPECT_EQ(ack.wait_line(), "first");
}

// Each order of ends would wait for ever for the other child.
TEST(FixtureTest, EndsChildrenAllAtOnce) {
  AckPipe ack, first, second;
  Fixture fixture;
  fixture.end_all_at_once(TerminationPolicy::service(kBound));
  const Command one = shell_with_handler(ack, "echo go >&8; read go <&7; echo ended >&9");
  const Command other = one;
  ASSERT_NE(
      fixture.spawn(Command(one).inherit_fd(first.write_fd(), 8).inherit_fd(second.read_fd(), 7), ready_on("ready")),
      nullptr);
  ASSERT_NE(
      fixture.spawn(Command(other).inherit_fd(second.write_fd(), 8).inherit_fd(first.read_fd(), 7), ready_on("ready")),
      nullptr);
  fixture.TearDown();
  EXPECT_EQ(ack.wait_line(), "ended");
  EXPECT_EQ(ack.wait_line(), "ended");
}

TEST(FixtureTest, EachChildIsEndedByItsOwnPolicy) {
  AckPipe ack;
  SpawnOptions interrupted;
  interrupted.policy = TerminationPolicy::interrupt_first(kBound, kBound);
  {
    Fixture fixture;
    ASSERT_NE(fixture.spawn(test_command(ack, {"handle", "INT", "0"}), interrupted), nullptr);
    ASSERT_TRUE(ack.wait_for("ready"));
    fixture.TearDown();
  }
  EXPECT_EQ(ack.wait_line(), "got SIGINT");
}

TEST(FixtureTest, DestructorEndsTheChildrenOfAClassThatForgetsToCallTearDown) {
  const MisuseCount misuses;
  int pid = -1;
  {
    Fixture fixture;
    pid = fixture.spawn(test_command({"sleep"}))->pid();
  }
  EXPECT_THAT(live_members(pid), IsEmpty());
  EXPECT_EQ(misuses.value(), 0);
}

TEST(FixtureTest, SecondTearDownDoesNothingAndLaterChildrenAreEnded) {
  Fixture fixture;
  ASSERT_NE(fixture.spawn(test_command({"sleep"})), nullptr);
  fixture.TearDown();
  fixture.TearDown();
  const int pid = fixture.spawn(test_command({"sleep"}))->pid();
  fixture.TearDown();
  EXPECT_THAT(live_members(pid), IsEmpty());
}

TEST(FixtureTest, EachChildWithAProblemIsOneFailure) {
  const auto failures = failures_of([] {
    Fixture fixture;
    for (const char* code : {"1", "2"}) {
      Child* const child = fixture.spawn(test_command({"exit", code}));
      ASSERT_TRUE(Pidfd(child->pid()).wait_dead());
    }
    fixture.spawn(test_command({"sleep"}));
    fixture.TearDown();
  });
  EXPECT_THAT(failures, ElementsAre(HasSubstr("exited with code 1"), HasSubstr("exited with code 2")));
}

TEST(FixtureTest, CopyInAForkedProcessEndsNobody) {
  Fixture fixture;
  Child* const child = fixture.spawn(test_command({"sleep"}));
  ASSERT_NE(child, nullptr);
  EXPECT_EXIT(
      {
        fixture.TearDown();
        _exit(0);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(child->state().kind, warden::ProcessState::Kind::kRunning);
}

TEST(FixtureTest, WrongPoliciesFailTheTestAndStartNothing) {
  Fixture fixture;
  SpawnOptions options;
  options.policy.kill_timeout = absl::Seconds(-1);
  EXPECT_THAT(failures_of([&] { EXPECT_EQ(fixture.spawn(test_command({"sleep"}), options), nullptr); }),
              ElementsAre(AllOf(HasSubstr("child 'sleep' was not started"), HasSubstr("kill_timeout"))));
  EXPECT_TRUE(warden::testing::wait_until_childless());
  EXPECT_THAT(failures_of([&] { fixture.end_all_at_once(options.policy); }), ElementsAre(HasSubstr("kill_timeout")));
  ASSERT_NE(fixture.spawn(test_command({"sleep"})), nullptr);
}

TEST(SpawnTest, FailsTheTestWithTheSpawnsError) {
  EXPECT_THAT(failures_of([] {
                const ScopedChild child(Command("/no/such/program"));
                EXPECT_FALSE(child.ok());
                EXPECT_EQ(child.get(), nullptr);
              }),
              ElementsAre(AllOf(HasSubstr("/no/such/program"), HasSubstr("No such file or directory"))));
}

TEST(SpawnTest, ReturnsWhenTheLineIsThere) {
  AckPipe ack;
  SpawnOptions options;
  options.ready = Ready::on_line("listening", OutputStream::kStderr);
  const ScopedChild child(
      shell("echo ready >&9; echo listening on 1 >&2; exec sleep 600").inherit_fd(ack.write_fd(), 9), options);
  ASSERT_TRUE(child.ok());
  EXPECT_THAT(child->output(OutputStream::kStderr).value().text(), HasSubstr("listening"));
}

TEST(SpawnTest, ReturnsWhenThePredicateSaysSo) {
  int asked = 0;
  SpawnOptions options;
  options.ready = Ready::when([&asked] { return ++asked == 3; }, absl::Milliseconds(1));
  const ScopedChild child(test_command({"sleep"}), options);
  EXPECT_TRUE(child.ok());
  EXPECT_EQ(asked, 3);
}

TEST(SpawnTest, ChildThatIsNotReadyInTimeFailsTheTestWithItsLastLinesAndIsEnded) {
  SpawnOptions options = ready_on("listening");
  options.ready_timeout = absl::Milliseconds(50);
  Fixture fixture;
  EXPECT_THAT(failures_of([&] { EXPECT_EQ(fixture.spawn(test_command({"sleep"}), options), nullptr); }),
              ElementsAre(AllOf(HasSubstr("was not ready: its stdout had no line with 'listening' within 50ms"),
                                HasSubstr("it was ended: killed by SIGTERM"))));
  EXPECT_TRUE(warden::testing::wait_until_childless());
  options.ready = Ready::when([] { return false; });
  EXPECT_THAT(failures_of([&] { EXPECT_EQ(fixture.spawn(test_command({"sleep"}), options), nullptr); }),
              ElementsAre(HasSubstr("was not ready: the predicate did not say so within 50ms")));
  EXPECT_TRUE(warden::testing::wait_until_childless());
}

TEST(SpawnTest, ChildThatEndsBeforeItIsReadyFailsTheTestOnceAndAtOnce) {
  SpawnOptions options = ready_on("listening");
  options.ready_timeout = absl::InfiniteDuration();
  EXPECT_THAT(failures_of([&] { const ScopedChild child(shell("echo cannot bind; exit 7"), options); }),
              ElementsAre(AllOf(HasSubstr("was not ready: its stdout had no line with 'listening' before"),
                                HasSubstr("it was ended: exited with code 7"),
                                HasSubstr("last lines of stdout:\n    cannot bind\n"))));
  options.ready = Ready::when([] { return false; });
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command({"exit", "7"}), options);
              }),
              ElementsAre(HasSubstr("was not ready: it ended first")));
}

TEST(SpawnTest, LineOfAStreamThatIsNotCapturedFailsTheTest) {
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command({"sleep"}).stdout_to(Stdio::null()), ready_on("listening"));
              }),
              ElementsAre(HasSubstr("was not ready: ")));
}

TEST(SpawnTest, OtherChildrenLiveOnWhenOneIsNotReady) {
  Fixture fixture;
  Child* const first = fixture.spawn(test_command({"sleep"}));
  ASSERT_NE(first, nullptr);
  SpawnOptions options = ready_on("listening");
  options.ready_timeout = absl::ZeroDuration();
  EXPECT_THAT(failures_of([&] { fixture.spawn(test_command({"sleep"}), options); }), ::testing::SizeIs(1));
  EXPECT_EQ(first->state().kind, warden::ProcessState::Kind::kRunning);
}

TEST(SpawnTest, CapturesWhatTheCommandLeavesUnsetAndLeavesWhatItSets) {
  Fixture fixture;
  Child* const child = fixture.spawn(test_command({"sleep"}).stdout_to(Stdio::null()));
  ASSERT_NE(child, nullptr);
  EXPECT_EQ(child->output(OutputStream::kStdout).error().code, warden::Errc::kNotCaptured);
  EXPECT_TRUE(child->output(OutputStream::kStderr).has_value());
  Child* const merged = fixture.spawn(test_command({"sleep"}).stderr_to(Stdio::merge()));
  ASSERT_NE(merged, nullptr);
  EXPECT_TRUE(merged->output(OutputStream::kStdout).has_value());
  EXPECT_EQ(merged->output(OutputStream::kStderr).error().code, warden::Errc::kNotCaptured);
}

TEST(SpawnTest, GivesAnEmptyStdinUnlessTheCommandHasOne) {
  Fixture fixture;
  SpawnOptions options = may_exit(kMayExit);
  Child* const reader = fixture.spawn(shell("read line || echo end of file"), options);
  ASSERT_NE(reader, nullptr);
  EXPECT_TRUE(reader->wait_for_line(OutputStream::kStdout, "end of file", kBound).value().matched());
  Child* const piped = fixture.spawn(test_command({"read"}).stdin_from(Stdio::pipe()), options);
  ASSERT_NE(piped, nullptr);
  EXPECT_GE(piped->stdin_fd(), 0);
}

TEST(SpawnTest, KeepsTheLastBytesOfTheOutput) {
  SpawnOptions options = may_exit(kMayExit);
  options.keep_output = 4;
  const ScopedChild child(test_command({"write", "123456789"}), options);
  EXPECT_THAT(child->wait(), ExitedWith(0));
  ASSERT_TRUE(child->drain_output(kBound).value().complete());
  EXPECT_EQ(child->output(OutputStream::kStdout).value().text(), "6789");
}

TEST(SpawnTest, CallsTheChildByTheNameOfTheOptions) {
  SpawnOptions options;
  options.name = "primary";
  const ScopedChild child(test_command({"sleep"}), options);
  EXPECT_EQ(child->name(), "primary");
}

TEST(ScopedChildTest, CanBeReturnedFromAFunction) {
  const auto start = [] {
    ScopedChild child(test_command({"sleep"}));
    EXPECT_TRUE(child.ok());
    return child;
  };
  int pid = -1;
  {
    ScopedChild child = start();
    ScopedChild moved = std::move(child);
    ASSERT_TRUE(moved.ok());
    EXPECT_FALSE(child.ok());  // NOLINT(bugprone-use-after-move)
    pid = moved->pid();
    EXPECT_EQ((*moved).state().kind, warden::ProcessState::Kind::kRunning);
  }
  EXPECT_THAT(live_members(pid), IsEmpty());
}

}  // namespace
}  // namespace warden_testing

// How a test's child is started, and what happens when it does not become ready.
#include "warden/testing/spawn_options.h"

#include <fcntl.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/testing/fixture_probe.h"
#include "warden/testing/matchers.h"
#include "warden/testing/scoped_child.h"

namespace warden::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using warden::Child;
using warden::Command;
using warden::OutputStream;
using warden::Stdio;
using warden::test_support::AckPipe;
using warden::test_support::kBound;
using warden::test_support::test_command;

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
  EXPECT_TRUE(warden::test_support::wait_until_childless());
  options.ready = Ready::when([] { return false; });
  EXPECT_THAT(failures_of([&] { EXPECT_EQ(fixture.spawn(test_command({"sleep"}), options), nullptr); }),
              ElementsAre(HasSubstr("was not ready: the predicate did not say so within 50ms")));
  EXPECT_TRUE(warden::test_support::wait_until_childless());
}

TEST(SpawnTest, ChildThatEndsBeforeItIsReadyFailsTheTestOnceAndAtOnce) {
  SpawnOptions options = ready_on("listening");
  options.ready_timeout = absl::InfiniteDuration();
  EXPECT_THAT(failures_of([&] { const ScopedChild child(shell("echo cannot bind; exit 7"), options); }),
              ElementsAre(AllOf(HasSubstr("was not ready: its stdout had no line with 'listening' before"),
                                HasSubstr("it was ended: exited with code 7"),
                                HasSubstr("last lines of stdout:\n  | cannot bind\n"))));
  options.ready = Ready::when([] { return false; });
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command({"exit", "7"}), options);
              }),
              ElementsAre(HasSubstr("was not ready: it ended first")));
}

TEST(SpawnTest, TextThatAChildWasToWriteForgesNoLine) {
  SpawnOptions options = ready_on("\x1b[32mup\r");
  EXPECT_THAT(failures_of([&] {
                const ScopedChild child(test_command({"exit", "7"}), options);
              }),
              ElementsAre(HasSubstr("had no line with '\\x1b[32mup\\x0d' before")));
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

// Makes the stdin of this process a pipe with a line in it while it exists.
class StdinWithALine {
 public:
  StdinWithALine() : before_(::fcntl(0, F_DUPFD_CLOEXEC, 3)) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(::write(ends[1], "line\n", 5), 5);
    ::dup2(ends[0], 0);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~StdinWithALine() {
    ::dup2(before_, 0);
    ::close(before_);
  }
  StdinWithALine(const StdinWithALine&) = delete;
  StdinWithALine& operator=(const StdinWithALine&) = delete;

 private:
  int before_;
};

TEST(SpawnTest, GivesAnEmptyStdinUnlessTheCommandHasOne) {
  const StdinWithALine of_this_process;
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

}  // namespace
}  // namespace warden::testing

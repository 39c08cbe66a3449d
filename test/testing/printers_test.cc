// Every public value prints as readable text.
#include "warden/testing/printers.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::PrintToString;

Attempt an_attempt() {
  Attempt attempt;
  attempt.phase = AttemptPhase::kTerminate;
  attempt.operation = AttemptOperation::kSendSignal;
  attempt.signal = Signal::terminate();
  attempt.target = AttemptTarget::kGroup;
  return attempt;
}

AttemptLog a_log() {
  AttemptLog log;
  log.append(an_attempt());
  return log;
}

TerminationReport a_report() {
  return {ExitStatus::exited(3), AttemptPhase::kTerminate, EndCause::kByUs, true, {{12, "sleep"}}, a_log()};
}

TerminationError an_error() {
  return {TerminationError::Kind::kTerminationFailed, Errc::kSurvivors, "server", a_log()};
}

template <class T>
std::string printed(const T& value) {
  const std::string text = PrintToString(value);
  EXPECT_THAT(text, Not(HasSubstr("-byte object")));
  EXPECT_NE(text, "");
  return text;
}

// GoogleTest prints the bytes of a value that it cannot print otherwise.
TEST(PrintersTest, NoPublicValueIsShownAsBytes) {
  struct Unprintable {
    int number = 0;
  };
  ASSERT_THAT(PrintToString(Unprintable()), HasSubstr("-byte object"));
  printed(a_log());
  printed(an_attempt());
  printed(AttemptPhase::kKill), printed(AttemptOperation::kSweep);
  printed(AttemptTarget::kLeader), printed(AttemptResult::kOk);
  printed(ProcessState()), printed(ProcessState::Kind::kRunning), printed(AdoptOptions());
  printed(Stdio::pipe()), printed(Stdio::file("/tmp/log")), printed(Stdio::fd(3));
  printed(Stdio::Kind::kMerge), printed(Stdio::FileMode::kAppend);
  printed(ResourceLimit()), printed(Credentials()), printed(InheritedFd());
  printed(Command("server"));
  printed(Errc::kNotAChild), printed(InvalidArgument()), printed(SpawnError::Step::kExec), printed(SpawnError());
  printed(WaitError());
  printed(ExitStatus::exited(3)), printed(ExitStatus::Kind::kLost), printed(ResourceUsage());
  printed(LogRecord()), printed(LogSeverity::kDebug);
  printed(AbandonedChild());
  printed(Output());
  printed(OutputStream::kStderr), printed(OutputError()), printed(CaptureOptions());
  printed(CaptureOptions::Keep::kFirst);
  printed(PipeHolder()), printed(StreamDrain()), printed(DrainResult{{StreamDrain()}});
  printed(Line()), printed(LineWait()), printed(LineWait::Kind::kMatched);
  printed(Readiness()), printed(Readiness::Kind::kReady);
  printed(RunOptions()), printed(StdinReport()), printed(RunResult{"server", ExitStatus::lost()});
  printed(RunError{RunError::Step::kSpawn, Errc::kNotAChild, "server"}), printed(RunError::Step::kFeed);
  printed(Signal::stop());
  printed(StdinError()), printed(StdinError::Kind::kClosed);
  printed(Survivor()), printed(StuckProcess()), printed(an_error()), printed(TerminationError::Kind::kRefused);
  printed(TerminationPhase{Signal::quit(), absl::Seconds(1)}), printed(TerminationPolicy::immediate());
  printed(a_report()), printed(EndCause::kByAnother);
  printed(WaitOrTerminateResult{ExitStatus::lost(), absl::Seconds(1)});
  printed(WaitOrTerminateError{WaitOrTerminateError::Kind::kRefused, {}, "server", absl::Seconds(1)});
  printed(WaitOrTerminateError::Kind::kWaitFailed);
}

TEST(PrintersTest, ResultPrintsItsValueOrAllThatItsErrorSays) {
  EXPECT_EQ(printed(Result<ExitStatus, WaitError>(ExitStatus::exited(3))), "exited with code 3");
  EXPECT_EQ(printed(Result<std::optional<ExitStatus>, WaitError>(ExitStatus::exited(3))), "(exited with code 3)");
  EXPECT_EQ(printed(Result<void, TerminationError>(outcome::success())), "ok");
  EXPECT_EQ(printed(Result<ExitStatus, TerminationError>(an_error())), "error: " + an_error().to_string());
  EXPECT_EQ(printed(Result<void, TerminationError>(an_error())), "error: " + an_error().to_string());
  EXPECT_THAT(an_error().to_string(), HasSubstr("terminate send_signal SIGTERM to group: ok"));
}

TEST(PrintersTest, ReportPrintsTheStatusTheCauseWhoOutlivedTheLeaderAndEveryAttempt) {
  const std::string text = printed(a_report());
  EXPECT_THAT(text, HasSubstr("exited with code 3 in phase terminate (by_us, forced)"));
  EXPECT_THAT(text, HasSubstr("12 (sleep)"));
  EXPECT_THAT(text, HasSubstr("terminate send_signal SIGTERM to group: ok"));
  const std::string after = printed(WaitOrTerminateResult{ExitStatus::exited(3), absl::Seconds(2), a_report()});
  EXPECT_EQ(after, "timed out after 2s, then " + text);
}

TEST(PrintersTest, PolicyPrintsItsPhasesAndTheKill) {
  EXPECT_EQ(printed(TerminationPolicy::leader_first(absl::Seconds(1), absl::Seconds(2))),
            "SIGTERM to leader, 1s; SIGTERM to group, 2s; SIGKILL, 3s");
}

TEST(PrintersTest, ReadinessAndLineAndStateSayWhatWasSeen) {
  EXPECT_EQ(printed(Readiness{Readiness::Kind::kExited, ExitStatus::exited(1)}), "exited (exited with code 1)");
  EXPECT_EQ(printed(LineWait{LineWait::Kind::kMatched, "ready"}), "matched \"ready\"");
  EXPECT_EQ(printed(ProcessState()), "running");
  EXPECT_EQ(printed(ProcessState{ProcessState::Kind::kExited, ExitStatus::exited(1), {}}), "exited with code 1");
}

TEST(PrintersTest, CommandPrintsNeitherArgumentsNorEnvironment) {
  Command command("server");
  command.arg("--password=secret").env("TOKEN", "secret");
  EXPECT_EQ(printed(command), "command 'server' with 1 arguments");
}

TEST(PrintersTest, ChildPrintsItsNameAndState) {
  Child child = Child::spawn(test_command({"exit", "3"})).value();
  ASSERT_TRUE(child.wait().has_value());
  EXPECT_THAT(printed(child), HasSubstr("child 'exit' (pid " + std::to_string(child.pid()) + "): exited with code 3"));
}

// GoogleTest prints a string with more than ASCII a second time, as it is.
TEST(PrintersTest, NothingThatAChildOrAProgramChoseForgesALine) {
  const std::string forged = "caf\xc3\xa9\n[  PASSED  ] \"1\"\x1b[2J\xc2\x9b\xff";
  const std::string literal = "\"caf\xc3\xa9\\n[  PASSED  ] \\\"1\\\"\\x1b[2J\\xc2\\x9b\\xff\"";
  EXPECT_EQ(printed(Line{forged, true}), literal + " (truncated)");
  EXPECT_EQ(printed(Stdio::file(forged)), "file " + literal);
  AdoptOptions options;
  options.name = forged;
  EXPECT_EQ(printed(options), "name " + literal);
  const RunResult result = run(test_command({"write", "caf\xc3\xa9\n\xc2\x9b"}).stdout_to(Stdio::capture())).value();
  EXPECT_EQ(printed(result.stdout_output), "\"caf\xc3\xa9\\n\\xc2\\x9b\" (8 bytes in all)");
}

TEST(PrintersTest, OutputPrintsItsEndAndHowMuchThereWas) {
  Command command = test_command({"write", "hello\n"});
  const RunResult result = run(command.stdout_to(Stdio::capture())).value();
  EXPECT_EQ(printed(result.stdout_output), "\"hello\\n\" (6 bytes in all)");
  EXPECT_THAT(printed(result), HasSubstr("exited with code 0; stdout: \"hello\\n\""));
}

}  // namespace
}  // namespace warden::test_support

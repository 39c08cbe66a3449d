// The reports of runs that no test can cause; json_report_test.cc covers the rest.
#include "lib/tool/run_report.h"

#include <errno.h>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/tool/json_report.h"
#include "warden/attempt_log.h"
#include "warden/error.h"
#include "warden/exit_status.h"
#include "warden/signal.h"
#include "warden/termination_error.h"

namespace warden::tool {
namespace {

using test_support::json;
using test_support::parse_report;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RunReport report_with(const ExitStatus& status) {
  RunReport report;
  report.name = "db";
  report.pid = 4242;
  report.status = status;
  report.elapsed = absl::Milliseconds(1234) + absl::Microseconds(999);
  return report;
}

// Returns the report on a program that could not be ended.
RunReport failed_report() {
  RunReport report = report_with(ExitStatus::exited(0));
  report.status.reset();
  report.timed_out = true;
  report.error = "the process is still running";
  report.survivors = {{4243, "worker"}};
  Attempt attempt;
  attempt.phase = AttemptPhase::kKill;
  attempt.operation = AttemptOperation::kSendSignal;
  attempt.signal = Signal::kill();
  attempt.target = AttemptTarget::kGroup;
  attempt.started = absl::Milliseconds(7);
  attempt.elapsed = absl::Microseconds(2900);
  attempt.result = AttemptResult::kFailed;
  attempt.error = std::error_code(EPERM, std::generic_category());
  report.attempts.append(attempt);
  return report;
}

TEST(JsonReport, OfALostStatusHasNeitherCodeNorSignal) {
  EXPECT_EQ(parse_report(to_json(report_with(ExitStatus::lost()))).at("status"),
            json(R"({"kind":"lost","code":null,"signal":null,"core_dumped":false})"));
}

TEST(JsonReport, TellsACoreDump) {
  const ExitStatus status = ExitStatus::signaled(Signal::abort(), true);
  EXPECT_EQ(parse_report(to_json(report_with(status))).at("status"),
            json(R"({"kind":"signaled","code":null,"signal":"SIGABRT","core_dumped":true})"));
}

TEST(JsonReport, CutsTimesToWholeMilliseconds) {
  EXPECT_EQ(parse_report(to_json(report_with(ExitStatus::exited(0)))).at("elapsed_ms"), json("1234"));
}

TEST(JsonReport, OfAProgramThatCouldNotBeEndedHasNoStatusAndNamesWhoIsLeft) {
  const auto report = parse_report(to_json(failed_report()));
  EXPECT_EQ(report.at("status"), json("null"));
  EXPECT_EQ(report.at("error"), json(R"("the process is still running")"));
  EXPECT_EQ(report.at("timed_out"), json("true"));
  EXPECT_EQ(report.at("ended_by"), json("null"));
  EXPECT_EQ(report.at("survivors"), json(R"([{"pid":4243,"program":"worker"}])"));
}

TEST(JsonReport, OfAFailedCallHasItsErrnoAsNumberAndName) {
  EXPECT_EQ(parse_report(to_json(failed_report())).at("attempts"),
            json(R"([{"phase":"kill","operation":"send_signal","signal":"SIGKILL",
                      "target":"group","started_ms":7,"elapsed_ms":2,"result":"failed",
                      "errno":1,"errno_name":"EPERM"}])"));
}

TEST(JsonReport, HasNoErrnoForAFindingOfWardensOwn) {
  RunReport report = report_with(ExitStatus::exited(0));
  Attempt attempt;
  attempt.operation = AttemptOperation::kSweep;
  attempt.target = AttemptTarget::kGroup;
  attempt.result = AttemptResult::kFailed;
  attempt.error = Errc::kGroupUnknown;
  report.attempts.append(attempt);
  const auto found = parse_report(to_json(report)).at("attempts").at(0);
  EXPECT_EQ(found.at("result"), json("\"failed\""));
  EXPECT_EQ(found.at("errno"), json("null"));
}

TEST(JsonReport, EscapesNames) {
  RunReport report = report_with(ExitStatus::exited(0));
  report.name = "a \"b\"\\\n\x01";
  EXPECT_EQ(parse_report(to_json(report)).at("name"), json(R"("a \"b\"\\\n\u0001")"));
}

// A file name and the kernel's process name may have any bytes, and the kernel may cut the latter in the middle of a
// character.
TEST(JsonReport, IsJsonWhateverBytesANameHas) {
  RunReport report = report_with(ExitStatus::exited(0));
  report.name = "x\xff\xc3\xa4\xc3";
  report.survivors = {{4243, "caf\xc3"}};
  const auto parsed = parse_report(to_json(report));
  EXPECT_EQ(parsed.at("name"), json("\"x\\ufffd\\u00e4\\ufffd\""));
  EXPECT_EQ(parsed.at("survivors").at(0).at("program"), json("\"caf\\ufffd\""));
}

// A JSON report goes to a terminal, too.
TEST(JsonReport, CommandsNoTerminal) {
  RunReport report = report_with(ExitStatus::exited(0));
  report.name = "a\x1b[2J\x7f\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0\xc3\x9b";
  const std::string text = to_json(report);
  EXPECT_THAT(text, HasSubstr("\"a\\u001b[2J\\u007f\\u0080\\u009b\\u009f\xc2\xa0\xc3\x9b\""));
  EXPECT_EQ(parse_report(text).at("name").as_string(), report.name);
}

TEST(TextReport, ForgesNoLineWithANameOrALineOfTheProgram) {
  RunReport report = report_with(ExitStatus::exited(0));
  report.name = "caf\xc3\xa9\nwarden: b\x1b[2J\xc2\x9b\xff";
  report.survivors = {{4243, "x\r\xc3"}};
  report.output.emplace();
  report.output->stdout_stream.complete = report.output->stderr_stream.complete = true;
  report.output->stdout_stream.tail = TailLines{{"caf\xc3\xa9\t\r\x1b[2J\xc2\x9b\xff"}, false, false};
  EXPECT_EQ(to_text(report),
            "warden: 'caf\xc3\xa9\\x0awarden: b\\x1b[2J\\xc2\\x9b\\xff' (pid 4242) exited with code 0; after 1.234s\n"
            "outlived the leader: 4243 (x\\x0d\\xc3)\n"
            "last lines of stdout:\n"
            "| caf\xc3\xa9\t\\x0d\\x1b[2J\\xc2\\x9b\\xff\n");
}

TEST(TextReport, OfAProgramThatCouldNotBeEndedSaysWhyAndWhoIsLeft) {
  const std::string text = to_text(failed_report());
  EXPECT_THAT(text, HasSubstr("'db' (pid 4242) timed out; not ended"));
  EXPECT_THAT(text, HasSubstr("the process is still running"));
  EXPECT_THAT(text, HasSubstr("4243 (worker)"));
  EXPECT_THAT(text, HasSubstr("Operation not permitted"));
}

// Returns the text of a report with this stdout, and a stderr without anything to report.
std::string text_with(const StreamOutput& stream) {
  RunReport report = report_with(ExitStatus::exited(0));
  report.output.emplace();
  report.output->stderr_stream.complete = true;
  report.output->stdout_stream = stream;
  EXPECT_TRUE(report.has_output_trouble());
  const std::string text = to_text(report);
  return text.substr(text.find('\n') + 1);
}

StreamOutput held_by(const std::vector<PipeHolder>& processes, bool all_known) {
  StreamOutput stream;
  stream.held_by = {processes, all_known};
  return stream;
}

TEST(TextReport, NamesWhoHoldsAStreamAndSaysWhenOthersMayHoldItToo) {
  EXPECT_EQ(text_with(held_by({{7, "yes"}, {8, "cat"}}, true)),
            "stdout is still held by 7 (yes), 8 (cat); nothing more is passed on\n");
  EXPECT_EQ(text_with(held_by({{7, "yes"}}, false)),
            "stdout is still held by 7 (yes) and maybe others; nothing more is passed on\n");
}

// Either /proc hides the holder, or it has ended meanwhile.
TEST(TextReport, SaysThatAStreamIsHeldThoughNobodyIsSeen) {
  for (const bool all_known : {false, true}) {
    EXPECT_EQ(text_with(held_by({}, all_known)),
              "stdout is still held by processes that cannot be seen; nothing more is passed on\n");
  }
}

TEST(TextReport, CountsTheBytesThatNobodyTook) {
  StreamOutput stream;
  stream.complete = true;
  stream.total_bytes = 150000;
  stream.passed_bytes = 65536;
  EXPECT_EQ(text_with(stream), "stdout: 84464 bytes were not taken by whoever reads it\n");
}

TEST(TextReport, SaysWhyAStreamCouldNotBePassedOn) {
  StreamOutput stream;
  stream.total_bytes = 5;
  stream.write_error = std::make_error_code(std::errc::no_space_on_device);
  EXPECT_EQ(text_with(stream), "stdout could not be passed on: No space left on device\n");
}

TEST(Report, IsNotAskedForByAReaderWhoHasGone) {
  RunReport report = report_with(ExitStatus::exited(0));
  report.output.emplace();
  report.output->stderr_stream.complete = true;
  report.output->stdout_stream.total_bytes = 5;
  report.output->stdout_stream.write_error = std::make_error_code(std::errc::broken_pipe);
  EXPECT_FALSE(report.has_output_trouble());
}

TEST(JsonReport, SaysWhetherAllWhoHoldAStreamAreKnown) {
  for (const bool all_known : {false, true}) {
    RunReport report = report_with(ExitStatus::exited(0));
    report.output = RunOutput{held_by({{7, "yes"}}, all_known), held_by({}, false)};
    const auto parsed = parse_report(to_json(report));
    EXPECT_EQ(parsed.at("stdout").at("holders"), json(R"([{"pid":7,"program":"yes"}])"));
    EXPECT_EQ(parsed.at("stdout").at("all_holders_known"), json(all_known ? "true" : "false"));
    EXPECT_EQ(parsed.at("stderr").at("holders"), json("[]"));
  }
}

}  // namespace
}  // namespace warden::tool

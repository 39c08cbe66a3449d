// Wrong command lines: one line that says what is wrong, exit code 125, and nothing is started.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A file that the program creates when it runs.
class Trace {
 public:
  Trace() : path_(::testing::TempDir() + "/trace") { ::unlink(path_.c_str()); }
  ~Trace() { ::unlink(path_.c_str()); }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  const std::string& path() const { return path_; }
  bool is_there() const {
    struct stat status;
    return ::stat(path_.c_str(), &status) == 0;
  }

 private:
  std::string path_;
};

struct BadFlags {
  const char* label;
  Arguments flags;
  std::vector<std::string> named;  // texts that the message has to contain
};

void PrintTo(const BadFlags& bad, std::ostream* out) { *out << bad.label; }

void expect_refused(const ToolOptions& options, const std::vector<std::string>& named) {
  const ToolResult result = run_tool(options);
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith("warden: "));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_EQ(result.err.back(), '\n');
  for (const std::string& text : named) EXPECT_THAT(result.err, HasSubstr(text));
}

class RunWithBadFlags : public ::testing::TestWithParam<BadFlags> {};

TEST_P(RunWithBadFlags, NamesFlagAndValueOnOneLineAndStartsNothing) {
  const Trace trace;
  expect_refused(run_program(GetParam().flags, {"touch", trace.path()}), GetParam().named);
  EXPECT_FALSE(trace.is_there());
}

const BadFlags kBadFlags[] = {
    {"UnknownFlag", {"--bogus"}, {"--bogus"}},
    {"UnknownFlagWithValue", {"--bogus=3"}, {"--bogus=3"}},
    {"UnknownShortFlag", {"-x"}, {"-x"}},
    {"AbbreviatedFlag", {"--timeo=1s"}, {"--timeo=1s"}},
    {"UnknownFlagAfterAGoodOne", {"--timeout=1s", "--bogus"}, {"--bogus"}},
    {"UnknownFlagThatForgesALine", {"--bogus\x1b[2J\xc2\x9b"}, {"--bogus\\x1b[2J\\xc2\\x9b"}},
    {"ValueThatForgesALine", {"--report=x\rwarden: \x1b[2J\xff"}, {"'x\\x0dwarden: \\x1b[2J\\xff'"}},
    {"ReportFileThatForgesALine", {"--report-file=/nonexistent\n/\x1b[2J"}, {"'/nonexistent\\x0a/\\x1b[2J'"}},
    {"DurationWithoutUnit", {"--timeout=5"}, {"--timeout", "'5'"}},
    {"DurationWithUnknownUnit", {"--timeout=5y"}, {"--timeout", "'5y'"}},
    {"NegativeDuration", {"--timeout=-1s"}, {"--timeout", "'-1s'"}},
    {"NegativeInfiniteDuration", {"--timeout=-inf"}, {"--timeout", "'-inf'"}},
    {"DurationWithoutValue", {"--timeout"}, {"--timeout"}},
    {"DurationWithEmptyValue", {"--timeout="}, {"--timeout"}},
    {"DurationOfAnEmptyWord", {"--timeout", ""}, {"--timeout", "''"}},
    {"DurationTwice", {"--timeout=1s", "--timeout=2s"}, {"--timeout"}},
    {"BadInterruptTimeout", {"--interrupt-timeout=soon"}, {"--interrupt-timeout", "'soon'"}},
    {"NegativeInterruptTimeout", {"--interrupt-timeout=-2ms"}, {"--interrupt-timeout", "'-2ms'"}},
    {"BadTerminateTimeout", {"--terminate-timeout=1 s"}, {"--terminate-timeout", "'1 s'"}},
    {"NegativeTerminateTimeout", {"--terminate-timeout=-1h"}, {"--terminate-timeout", "'-1h'"}},
    {"VariableWithoutEqualsSign", {"--env=FOO"}, {"--env", "'FOO'"}},
    {"VariableWithoutName", {"--env==x"}, {"--env", "'=x'"}},
    {"SecondVariableBad", {"--env=A=1", "--env=B"}, {"--env", "'B'"}},
    {"UnknownReport", {"--report=xml"}, {"--report", "'xml'", "text", "json", "none"}},
    {"ReportInCapitals", {"--report=JSON"}, {"--report", "'JSON'"}},
    {"MissingDirectory", {"--cwd=/nonexistent/dir"}, {"cwd", "'/nonexistent/dir'"}},
    {"FileAsDirectory", {"--cwd=/etc/passwd"}, {"cwd", "'/etc/passwd'", "Not a directory"}},
    {"ReportFileInMissingDirectory",
     {"--report-file=/nonexistent/r"},
     {"--report-file", "'/nonexistent/r'", "No such file"}},
    {"DirectoryAsReportFile", {"--report-file=/"}, {"--report-file", "'/'", "Is a directory"}},
    {"TailOfZero", {"--tail=0"}, {"--tail", "'0'"}},
    {"NegativeTail", {"--tail=-1"}, {"--tail", "'-1'"}},
    {"TailWithSign", {"--tail=+1"}, {"--tail", "'+1'"}},
    {"TailOfAFraction", {"--tail=1.5"}, {"--tail", "'1.5'"}},
    {"TailWithEmptyValue", {"--tail", ""}, {"--tail", "''"}},
    {"TailTwice", {"--tail=1", "--tail=2"}, {"--tail"}},
    {"TailInWords", {"--tail=all"}, {"--tail", "'all'"}},
    {"TailTooLarge", {"--tail=1000001"}, {"--tail", "'1000001'", "1000000"}},
    {"TailBeyondNumbers", {"--tail=99999999999999999999"}, {"--tail", "'99999999999999999999'"}},
    {"CaptureLimitWithoutTail", {"--capture-limit=1K"}, {"--capture-limit needs --tail"}},
    {"CaptureLimitOfZero", {"--tail=1", "--capture-limit=0"}, {"--capture-limit", "'0'"}},
    {"CaptureLimitWithoutNumber", {"--tail=1", "--capture-limit=K"}, {"--capture-limit", "'K'"}},
    {"CaptureLimitWithUnknownUnit", {"--tail=1", "--capture-limit=1G"}, {"--capture-limit", "'1G'"}},
    {"CaptureLimitTooLarge", {"--tail=1", "--capture-limit=1025M"}, {"--capture-limit", "'1025M'"}},
    {"CaptureLimitOfNoKibibytes", {"--tail=1", "--capture-limit=0K"}, {"--capture-limit", "'0K'"}},
    {"CaptureLimitInSmallLetters", {"--tail=1", "--capture-limit=64k"}, {"--capture-limit", "'64k'"}},
    {"CaptureLimitOfAFraction", {"--tail=1", "--capture-limit=1.5M"}, {"--capture-limit", "'1.5M'"}},
    {"CaptureLimitWithTwoUnits", {"--tail=1", "--capture-limit=1KM"}, {"--capture-limit", "'1KM'"}},
    {"CaptureLimitWithEmptyValue", {"--tail=1", "--capture-limit", ""}, {"--capture-limit", "''"}},
    {"CaptureLimitTooManyBytes", {"--tail=1", "--capture-limit=1073741825"}, {"--capture-limit", "'1073741825'"}},
    {"CaptureLimitBeyondNumbers",
     {"--tail=1", "--capture-limit=18014398509481985K"},
     {"--capture-limit", "'18014398509481985K'", "1024M"}},
    {"NegativeCaptureLimit", {"--tail=1", "--capture-limit=-5"}, {"--capture-limit", "'-5'"}},
    {"EmptyReadyLine", {"--ready-line", ""}, {"--ready-line"}},
    {"ReadyLineWithEmptyValue", {"--ready-line="}, {"--ready-line"}},
    {"ReadyLineTwice", {"--ready-line=a", "--ready-line=b"}, {"--ready-line"}},
    {"ReadyLineOfTwoLines", {"--ready-line=a\nb"}, {"--ready-line", "'a b'"}},
    {"ReadyTimeoutWithoutLine", {"--ready-timeout=1s"}, {"--ready-timeout needs --ready-line"}},
    {"ReadyTimeoutOfZero", {"--ready-line=a", "--ready-timeout=0"}, {"--ready-timeout", "'0'"}},
    {"NegativeReadyTimeout", {"--ready-line=a", "--ready-timeout=-1s"}, {"--ready-timeout", "'-1s'"}},
    {"ReadyTimeoutWithoutUnit", {"--ready-line=a", "--ready-timeout=5"}, {"--ready-timeout", "'5'"}},
    {"ReadyTimeoutWithEmptyValue", {"--ready-line=a", "--ready-timeout", ""}, {"--ready-timeout", "''"}},
    {"BadReadyTimeout", {"--ready-line=a", "--ready-timeout=soon"}, {"--ready-timeout", "'soon'"}},
};

INSTANTIATE_TEST_SUITE_P(Tool, RunWithBadFlags, ::testing::ValuesIn(kBadFlags),
                         [](const auto& test) { return std::string(test.param.label); });

// Shows that the trace works: without it the tests above would not show that nothing was started.
TEST(RunWithGoodFlags, LeavesTheTraceOfItsProgram) {
  const Trace trace;
  const ToolResult result = run_tool(run_program({"--timeout=1m30s"}, {"touch", trace.path()}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(trace.is_there());
}

TEST(RunWithoutSeparator, NamesTheStrayWordAndStartsNothing) {
  const Trace trace;
  ToolOptions options;
  options.arguments = {"run", "--timeout=1s", "touch", trace.path()};
  expect_refused(options, {"touch"});
  EXPECT_FALSE(trace.is_there());
}

TEST(RunWithoutProgram, SaysHowToNameOne) {
  expect_refused(run_program({"--timeout=1s"}, {}), {"no program", "-- PROGRAM"});
  ToolOptions options;
  options.arguments = {"run"};
  expect_refused(options, {"no program", "-- PROGRAM"});
}

TEST(RunWithAnEmptyProgram, NamesIt) { expect_refused(run_program({}, {""}), {"program ''"}); }

TEST(Tool, NeedsASubcommandAndStartsNothingWithoutOne) {
  const Trace trace;
  ToolOptions options;
  for (const Arguments& arguments :
       std::vector<Arguments>{{}, {"--", "touch", trace.path()}, {"walk", "--", "touch", trace.path()}}) {
    options.arguments = arguments;
    expect_refused(options, {"subcommand"});
  }
  EXPECT_FALSE(trace.is_there());
}

}  // namespace
}  // namespace warden::test_support

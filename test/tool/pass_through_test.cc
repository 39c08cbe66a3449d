// The program's streams on their way through the tool: every byte passes unchanged, and no process that holds a stream
// can block the tool.
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/large_text.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const char* const kTail = "--tail=3";

std::string report_path() { return ::testing::TempDir() + "/report"; }

boost::json::object report_in_file() {
  std::ifstream file(report_path());
  return parse_report({std::istreambuf_iterator<char>(file), {}});
}

Arguments with_report(const Arguments& flags) {
  Arguments all = flags;
  all.insert(all.end(), {"--report=json", "--report-file=" + report_path()});
  return all;
}

// Runs the tool from a shell, which sets up its streams: `$W` is `warden run --tail=1`.
ToolResult run_in_shell(const std::string& script) {
  return run_tool(run_program({}, {"sh", "-c", "W='" + tool_path() + " run --tail=1'; " + script}));
}

ToolResult run_cat(const std::string& input) {
  ToolOptions options = run_program({kTail}, {"cat"});
  options.input = input;
  return run_tool(options);
}

// The run of a program that leaves a process behind, which holds both streams.
struct HeldRun {
  ToolResult result;
  std::string holder;  // its pid
};

// Takes as long as the tool waits for a process that holds a stream.
HeldRun run_held(const Arguments& flags) {
  HeldRun run;
  ToolProcess tool(run_child(flags, {"fork", "sleep"}));
  std::string line = tool.out().wait_line();
  if (line == "child ready") line = tool.out().wait_line();
  EXPECT_THAT(line, StartsWith("forked "));
  run.holder = line.substr(line.find(' ') + 1);
  const Pidfd holder(std::stoi("0" + run.holder));
  run.result = tool.wait();
  EXPECT_FALSE(holder.is_dead());
  EXPECT_TRUE(holder.send(SIGKILL));
  return run;
}

// A program that ends by itself while stderr has no reader, so that the tool cannot pass on everything.
ToolOptions run_unread(const Arguments& flags) {
  ToolOptions options = run_program(flags, {"sh", "-c", "echo $$; exec cat >&2"});
  options.input = large_text(150000);
  return options;
}

TEST(PassThrough, ChangesNoByte) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const std::string& text : {std::string(), every_byte, every_byte + "\n", std::string("\0", 1),
                                  std::string(1024 * 1024, 'x') + "\n", std::string("a\r\nno newline")}) {
    const ToolResult result = run_cat(text);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(result.out == text) << "of " << text.size() << " bytes";
    EXPECT_EQ(result.err, "");
  }
}

TEST(PassThrough, KeepsMegabytesOnBothStreamsApart) {
  ToolOptions options = run_program({kTail}, {"tee", "/proc/self/fd/2"});
  options.input = large_text();
  const ToolResult result = run_tool(options);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out == options.input);
  EXPECT_TRUE(result.err == options.input);
}

TEST(PassThrough, PassesAnUnfinishedLineOnAtOnce) {
  ToolProcess tool(run_child(with_report({kTail}), {"write", "prompt> ", "sleep"}));
  std::string text(8, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(tool.out().fd(), text.data() + size, text.size() - size);
    ASSERT_GT(count, 0);
    size += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(text, "prompt> ");
  tool.send(SIGTERM);
  EXPECT_EQ(tool.wait().exit_code, 143);
  EXPECT_EQ(report_in_file().at("stdout").at("complete"), json("true"));
}

TEST(PassThrough, IsNotThereWithoutAFlagForIt) {
  const Arguments program = {"sh", "-c", "readlink /proc/$$/fd/1 /proc/$PPID/fd/1 /proc/$$/fd/2 /proc/$PPID/fd/2"};
  const auto said = [&](const Arguments& flags) {
    ToolProcess tool(run_program(flags, program));
    std::vector<std::string> links;
    for (int i = 0; i < 4; ++i) links.push_back(tool.out().wait_line());
    tool.wait();
    return links;
  };
  for (const Arguments& flags : {Arguments{}, Arguments{"--timeout=1h"}}) {
    const auto plain = said(flags);
    EXPECT_EQ(plain[0], plain[1]);
    EXPECT_EQ(plain[2], plain[3]);
  }
  for (const Arguments& flags : {Arguments{kTail}, Arguments{"--ready-line=p"}}) {
    const auto passed = said(flags);
    EXPECT_NE(passed[0], passed[1]);
    EXPECT_NE(passed[2], passed[3]);
  }
}

TEST(PassThrough, GivesTheProgramNoDescriptorOfTheTools) {
  const Arguments program = {"sh", "-c", "ls /proc/$$/fd"};
  EXPECT_EQ(run_tool(run_program({kTail}, program)).out, run_tool(run_program({}, program)).out);
}

TEST(PassThrough, IsOverBeforeTheReport) {
  const ToolResult result = run_tool(run_program({kTail, "--report=text"}, {"sh", "-c", "echo one >&2; echo two >&2"}));
  EXPECT_THAT(result.err, StartsWith("one\ntwo\nwarden: 'sh' "));
  EXPECT_THAT(result.err, HasSubstr("last lines of stdout: none\nlast lines of stderr:\n| one\n| two\n"));
}

TEST(PassThrough, EndsAProgramWhoseReaderHasGoneAsAPipeDoes) {
  const ToolResult result = run_in_shell("{ $W -- yes; echo $? >&2; } | head -n 1");
  EXPECT_EQ(result.out, "y\n");
  EXPECT_EQ(result.err, "141\n");  // SIGPIPE
}

TEST(PassThrough, SaysThatTheToolsStreamCannotBeWritten) {
  const ToolResult result = run_in_shell("$W --report=none -- echo lost >/dev/full");
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_EQ(result.err, "warden: cannot write stdout: No space left on device\n");
}

TEST(PassThrough, GoesNowhereWhereTheToolsStreamsAreClosed) {
  const ToolResult result = run_in_shell("$W --report-file=" + report_path() +
                                         " --report=json -- sh -c 'echo lost; echo lost >&2; exit 3' <&- >&- 2>&-");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(report_in_file().at("stderr").at("tail").at("lines"), json(R"(["lost"])"));
}

// The program has ended, and half of its output is still unread. Another run meanwhile takes the whole time for which
// the tool waits for a process that holds a stream.
TEST(PassThrough, WaitsForASlowReaderAfterAnEndOfTheProgramsOwn) {
  const ToolOptions options = run_unread({kTail});
  ToolProcess tool(options);
  const Pidfd program(std::stoi("0" + tool.out().wait_line()));
  ASSERT_TRUE(program.wait_dead());
  run_held({kTail, "--report=none"});
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.err == options.input) << result.err.size();
}

TEST(PassThrough, DoesNotWaitForAReaderWhoNeverReadsOnceASignalHasComeAfterTheProgramsEnd) {
  ToolProcess tool(run_unread(with_report({kTail})));
  const Pidfd program(std::stoi("0" + tool.out().wait_line()));
  ASSERT_TRUE(program.wait_dead());
  tool.send(SIGTERM);
  ASSERT_TRUE(Pidfd(tool.pid()).wait_dead());
  EXPECT_EQ(tool.wait().exit_code, 143);
  const auto report = report_in_file();
  EXPECT_EQ(report.at("status").at("code"), json("0"));
  EXPECT_THAT(sent(report), IsEmpty());
  EXPECT_EQ(report.at("stderr").at("total_bytes"), json("150000"));
  EXPECT_LT(report.at("stderr").at("passed_bytes").as_int64(), 150000);
}

TEST(PassThrough, DoesNotWaitForAReaderWhoNeverReadsOnceASignalHasEndedTheProgram) {
  ToolProcess tool(run_program(with_report({kTail}), {"sh", "-c", "echo $$; exec yes >&2"}));
  const Pidfd program(std::stoi("0" + tool.out().wait_line()));
  tool.send(SIGTERM);
  ASSERT_TRUE(Pidfd(tool.pid()).wait_dead());
  EXPECT_TRUE(program.is_dead());
  EXPECT_EQ(tool.wait().exit_code, 143);
}

TEST(PassThrough, DoesNotWaitForAReaderWhoNeverReadsOnceTheTimeIsUp) {
  ToolProcess tool(run_program(with_report({kTail, "--timeout=1s"}), {"sh", "-c", "exec yes >&2"}));
  ASSERT_TRUE(Pidfd(tool.pid()).wait_dead());
  EXPECT_EQ(tool.wait().exit_code, 124);
  const auto report = report_in_file();
  EXPECT_LT(report.at("stderr").at("passed_bytes").as_int64(), report.at("stderr").at("total_bytes").as_int64());
  EXPECT_EQ(report.at("stderr").at("complete"), json("true"));
}

TEST(PassThrough, NamesWhoHoldsAStreamAfterTheEndAndDoesNotWaitForIt) {
  const HeldRun run = run_held({kTail, "--report=json"});
  EXPECT_EQ(run.result.exit_code, 0);
  const auto report = parse_report(run.result.err);
  for (const char* stream : {"stdout", "stderr"}) {
    EXPECT_EQ(report.at(stream).at("complete"), json("false"));
    EXPECT_EQ(report.at(stream).at("holders"), json("[{\"pid\":" + run.holder + ",\"program\":\"test_child\"}]"));
  }
}

// The holder writes all the time, so that the stream is never empty.
TEST(PassThrough, IsNotHeldBySomebodyWhoNeverStopsWriting) {
  const ToolResult result = run_in_shell("$W --report-file=" + report_path() +
                                         " --report=json -- sh -c 'yes >&2 & echo started' 2>/dev/null");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "started\n");
  const auto report = report_in_file();
  EXPECT_EQ(report.at("stdout").at("complete"), json("true"));  // `yes` holds the other stream
  EXPECT_EQ(report.at("stderr").at("complete"), json("false"));
  ASSERT_EQ(report.at("stderr").at("holders").as_array().size(), 1u);
  EXPECT_EQ(report.at("stderr").at("holders").at(0).at("program"), json("\"yes\""));
}

// The holder is in the program's group, and only SIGKILL ends it.
TEST(PassThrough, LastsUntilTheSignalHasEndedWhoeverHoldsTheStream) {
  ToolProcess tool(run_child({kTail, "--report=json", "--terminate-timeout=4s"}, {"fork", "stubborn", "--", "sleep"}));
  ASSERT_TRUE(tool.out().wait_for("child ready"));
  tool.send(SIGTERM);
  const ToolResult result = tool.wait();
  EXPECT_EQ(result.exit_code, 143);
  EXPECT_EQ(parse_report(result.err).at("stdout").at("complete"), json("true"));
}

// The signal may come after the tool has stopped waiting for a holder: then the test tries again.
TEST(PassThrough, AfterTheProgramsEndASignalEndsWhoeverOfItsGroupHoldsAStream) {
  for (int i = 0; i < 10; ++i) {
    ToolProcess tool(run_program(with_report({kTail}), {"sh", "-c", "sleep 1000 & echo $!; echo $$; exit 5"}));
    const Pidfd holder(std::stoi("0" + tool.out().wait_line()));
    const Pidfd program(std::stoi("0" + tool.out().wait_line()));
    ASSERT_TRUE(program.wait_dead());
    tool.send(SIGTERM);
    const int exit_code = tool.wait().exit_code;
    if (exit_code == 5) {
      EXPECT_TRUE(holder.send(SIGKILL));
      continue;
    }
    EXPECT_EQ(exit_code, 143);
    EXPECT_TRUE(holder.wait_dead());
    EXPECT_EQ(report_in_file().at("status").at("code"), json("5"));
    EXPECT_EQ(report_in_file().at("stdout").at("complete"), json("true"));
    return;
  }
  FAIL() << "the tool ended each time before the signal came";
}

TEST(Tail, IsInTheJsonReportForEachStream) {
  const ToolResult result =
      run_tool(run_program(with_report({"--tail=2"}), {"sh", "-c", "printf 'a\\nb\\nc\\377\\000'; echo e >&2"}));
  EXPECT_EQ(result.err, "e\n");
  EXPECT_EQ(report_in_file().at("stdout"),
            json(R"({"total_bytes":7,"passed_bytes":7,"complete":true,"write_error":null,"holders":null,
                     "all_holders_known":null,"tail":{"lines":["b","c\ufffd\u0000"],"truncated":false,"first_line_cut":false}})"));
  EXPECT_EQ(report_in_file().at("stderr").at("tail").at("lines"), json(R"(["e"])"));
}

TEST(Tail, IsMarkedInBothReportsWhereTheLimitHasCutIt) {
  const Arguments program = {"sh", "-c", "echo first; echo 0123456789"};
  run_tool(run_program(with_report({"--tail=2", "--capture-limit=5"}), program));
  EXPECT_EQ(report_in_file().at("stdout").at("tail"),
            json(R"({"lines":["6789"],"truncated":true,"first_line_cut":true})"));
  EXPECT_THAT(run_tool(run_program({"--tail=2", "--capture-limit=5", "--report=text"}, program)).err,
              HasSubstr("last lines of stdout: (truncated by --capture-limit)\n| ...6789\n"));
}

TEST(Tail, ShowsControlCharactersInTheTextReport) {
  const ToolResult result = run_tool(run_program({kTail, "--report=text"}, {"printf", "a\\tb\\033[1m\\r\\n"}));
  EXPECT_THAT(result.err, HasSubstr("| a\tb\\x1b[1m\\x0d\n"));
}

TEST(Tail, IsNoReasonForAReport) {
  const ToolResult result = run_tool(run_child({kTail}, {"exit", "3"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace warden::test_support

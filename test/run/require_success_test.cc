// require_success(): which results pass, and the text of the error for the others.
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/output/output_access.h"
#include "test/support/child_probe.h"
#include "test/support/run_helpers.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;
using Step = RunError::Step;

RunError error_of_check(const Command& command) {
  Result<RunResult, RunError> checked = require_success(run(command));
  if (!checked) return std::move(checked).error();
  ADD_FAILURE() << "passed";
  return {};
}

Output output_of(const std::string& text) {
  std::shared_ptr<char> bytes(new char[text.size()], std::default_delete<char[]>());
  text.copy(bytes.get(), text.size());
  return internal::OutputAccess::make({{bytes, text.size()}}, {text.size(), true, {}});
}

// Returns the lines of stderr that the error of a failure quotes.
std::string last_lines_of(const std::string& text) {
  RunResult result{"name", ExitStatus::exited(1)};
  result.stderr_output = output_of(text);
  return require_success(result).error().last_lines;
}

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST(Check, LetsASuccessPassWithItsOutput) {
  const auto checked = require_success(run(shell("echo out; echo err >&2")));
  ASSERT_TRUE(checked.has_value()) << checked.error();
  EXPECT_EQ(checked.value().stdout_output.text(), "out\n");
  EXPECT_EQ(checked.value().stderr_output.text(), "err\n");
}

TEST(Check, MakesAnErrorOfAnExitCodeAndKeepsAllThatIsKnown) {
  const RunError error = error_of_check(shell("echo out; echo one >&2; echo two >&2; exit 3"));
  EXPECT_EQ(error.step, Step::kRequireSuccess);
  EXPECT_EQ(make_error_code(error), Errc::kUnsuccessful);
  EXPECT_EQ(error.to_string(), "process 'sh' failed: exited with code 3. Last lines:\n| one\n| two");
  EXPECT_EQ(error.status, ExitStatus::exited(3));
  EXPECT_EQ(error.stdout_output.text(), "out\n");
  EXPECT_EQ(error.stderr_output.text(), "one\ntwo\n");
  EXPECT_EQ(error.drain.streams.size(), 2u);
  std::ostringstream out;
  out << error << '|' << error.step;
  EXPECT_EQ(out.str(), error.to_string() + "|require_success");
}

TEST(Check, MakesAnErrorOfADeathBySignal) {
  const RunError error = error_of_check(shell("kill -KILL $$"));
  EXPECT_EQ(error.code, Errc::kUnsuccessful);
  EXPECT_EQ(error.to_string(), "process 'sh' failed: killed by SIGKILL.");
}

TEST(Check, MakesAnErrorOfALostStatus) {
  const RunError error = require_success(RunResult{"name", ExitStatus::lost()}).error();
  EXPECT_EQ(error.code, Errc::kUnsuccessful);
  EXPECT_EQ(error.to_string(), "process 'name' failed: exit status lost.");
}

// The handler exits with any code.
TEST(Check, MakesAnErrorOfATimeoutThoughTheChildEndedWell) {
  const Command command = shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  const RunResult result = run_until(Command(command).stderr_to(Stdio::null()), {},
                                     [](const RunResult& r) { return r.stdout_output.size() > 0; });
  EXPECT_TRUE(result.status.success());
  const RunError error = require_success(result).error();
  EXPECT_EQ(error.code, std::errc::timed_out);
  EXPECT_TRUE(error.termination.has_value());
  EXPECT_EQ(error.to_string(), "process 'sh' did not end within " + absl::FormatDuration(result.timeout) +
                                   " and was terminated: exited with code 0.");
}

TEST(Check, PassesOnAnErrorAsItIs) {
  const RunError error = error_of_check(Command("/no/such/program"));
  EXPECT_EQ(error.step, Step::kSpawn);
  EXPECT_TRUE(error.spawn_error.has_value());
}

TEST(Check, HasTheLinesOfStdoutWhereStderrIsMerged) {
  const RunError error = error_of_check(shell("echo out; echo err >&2; exit 1").stderr_to(Stdio::merge()));
  EXPECT_THAT(error.to_string(), EndsWith("Last lines:\n| out\n| err"));
}

TEST(Check, HasNoLinesWhereThereAreNone) {
  const RunError error = error_of_check(shell("echo out; echo err >&2; exit 1").stderr_to(Stdio::null()));
  EXPECT_EQ(error.to_string(), "process 'sh' failed: exited with code 1.");
  EXPECT_EQ(last_lines_of(""), "");
  EXPECT_EQ(last_lines_of("\n"), "");
}

TEST(CheckLines, AreTheLastTen) {
  EXPECT_EQ(last_lines_of(lines(1, 10)), lines(1, 9) + "line 10");
  EXPECT_EQ(last_lines_of(lines(1, 11)), "...\n" + lines(2, 10) + "line 11");
  EXPECT_EQ(last_lines_of(lines(1, 11) + "tail"), "...\n" + lines(3, 11) + "tail");
  EXPECT_EQ(last_lines_of("\n\na\n\nb\n"), "\n\na\n\nb");
}

TEST(CheckLines, AreFourKibibytesAtMost) {
  const std::string most(4096, 'x');
  EXPECT_EQ(last_lines_of(most), most);
  EXPECT_EQ(last_lines_of(most + "\n"), most);
  EXPECT_EQ(last_lines_of("y" + most), "...\n" + most);
  EXPECT_EQ(last_lines_of("y" + most + "\n"), "...\n" + most);
  EXPECT_EQ(last_lines_of("yz" + most + "\n"), "...\n" + most);
  EXPECT_EQ(last_lines_of("y\n" + most + "\n"), "...\n" + most);
}

TEST(CheckLines, BeginWithAWholeCharacter) {
  const std::string letters(4094, 'x');
  EXPECT_EQ(last_lines_of("y\u20AC" + letters), "...\n" + letters);
  EXPECT_EQ(last_lines_of("\u00E4x" + letters), "...\nx" + letters);
  EXPECT_EQ(last_lines_of("yz\u00E4" + letters), "...\n\u00E4" + letters);
}

TEST(CheckLines, HaveNoControlCharactersAndAreUtf8) {
  EXPECT_EQ(last_lines_of(std::string("\033[1ma\0b\tc\x7F\r\n\u00E4\u009B\xFF", 17)),
            "\\x1b[1ma\\x00b\tc\\x7f\\x0d\n\u00E4\\xc2\\x9b\\xff");
}

TEST(CheckLines, ComeFromSeveralChunks) {
  const RunError error =
      error_of_check(shell("head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2; exit 1"));
  EXPECT_THAT(error.last_lines, StartsWith("...\nxxx"));
  EXPECT_THAT(error.last_lines, EndsWith("xxx\nend"));
  EXPECT_EQ(error.last_lines.size(), 4u + 4096u);
}

RunError error_of_check(const std::string& script, CaptureOptions capture) {
  RunOptions options;
  options.capture = capture;
  Result<RunResult, RunError> checked = require_success(run(shell(script), options));
  if (!checked) return std::move(checked).error();
  ADD_FAILURE() << "passed";
  return {};
}

constexpr char kTwentyLines[] = "for i in $(seq 20); do echo line $i >&2; done; exit 1";

TEST(CheckLines, AreTheLastThatCameThoughTheLimitKeepsTheFirst) {
  for (const std::uint64_t limit : {0u, 7u, 13u, 130u}) {
    const RunError error = error_of_check(kTwentyLines, {limit, CaptureOptions::Keep::kFirst});
    EXPECT_EQ(error.last_lines, "...\n" + lines(11, 19) + "line 20") << limit;
    EXPECT_EQ(error.stderr_output.text(), lines(1, 20).substr(0, limit));
  }
  // The limit is larger than the last 4 KiB, and more than 4 KiB is lost.
  const RunError error = error_of_check("head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1",
                                        {50000, CaptureOptions::Keep::kFirst});
  EXPECT_EQ(error.last_lines, "...\n" + std::string(4093, 'x') + "end");
  EXPECT_EQ(error.stderr_output.tail(), std::string(4093, 'x') + "end\n");
}

TEST(CheckLines, SayThatThereWasMoreThanTheLimitHasKept) {
  const RunError error = error_of_check(kTwentyLines, {16, CaptureOptions::Keep::kLast});
  EXPECT_EQ(error.last_lines, "...\nline 19\nline 20");
  EXPECT_EQ(error.stderr_output.tail(), "");
}

TEST(RunErrorStep, HasAName) {
  EXPECT_EQ(to_string(Step::kOptions), "options");
  EXPECT_EQ(to_string(Step::kSpawn), "spawn");
  EXPECT_EQ(to_string(Step::kFeed), "feed");
  EXPECT_EQ(to_string(Step::kWait), "wait");
  EXPECT_EQ(to_string(Step::kTermination), "termination");
}

}  // namespace
}  // namespace warden::test_support

// Whole runs of a test program with the fixture (inner_tests.cc): what they print, write and exit with, and what they
// leave.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/base/printable.h"
#include "test/support/child_probe.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"
#include "warden/testing/matchers.h"

namespace warden::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using warden::internal::printable;
using warden::test_support::kBound;
using warden::test_support::Pidfd;
using warden::test_support::runfile_path;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Runs some of the inner tests, with a directory of its own for their files.
class InnerRun : public ::testing::Test {
 protected:
  InnerRun() { fs::create_directory(outputs()); }

  fs::path outputs() const { return directory_.path("outputs"); }

  // The environment of this test without the variables that Bazel and GoogleTest would apply to the inner one.
  warden::Command inner(const std::string& filter) const {
    warden::Command command(runfile_path("test/testing/inner_tests"));
    command.arg("--gtest_filter=" + filter).name("inner");
    for (const char* name : {"XML_OUTPUT_FILE", "TEST_TOTAL_SHARDS", "TEST_SHARD_INDEX", "TEST_SHARD_STATUS_FILE",
                             "GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX", "GTEST_SHARD_STATUS_FILE", "GTEST_OUTPUT",
                             "TESTBRIDGE_TEST_ONLY", "TEST_PREMATURE_EXIT_FILE", "TEST_WARNINGS_OUTPUT_FILE"}) {
      command.unset_env(name);
    }
    command.env("TEST_UNDECLARED_OUTPUTS_DIR", outputs()).env("INNER_PIDS", directory_.path("pids"));
    return command.stderr_to(warden::Stdio::merge());
  }

  // Runs the program to its end, and requires that everything it started is dead afterwards.
  warden::RunResult run(const warden::Command& command) const {
    warden::RunOptions options;
    options.timeout = kBound;
    const warden::RunResult result = warden::run(command, options).value();
    EXPECT_FALSE(result.timed_out());
    expect_nobody_left();
    return result;
  }
  std::string text_of(const warden::RunResult& result) const { return result.stdout_output.text(); }

  std::vector<int> pids() const {
    std::ifstream file(directory_.path("pids"));
    std::vector<int> found;
    for (int pid = 0; file >> pid;) found.push_back(pid);
    return found;
  }

  // Returns the names of the files, sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(outputs())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  void expect_nobody_left() const {
    EXPECT_THAT(pids(), Not(IsEmpty()));
    for (const int pid : pids()) EXPECT_TRUE(Pidfd(pid).wait_dead()) << pid;
  }

  const warden::test_support::TemporaryDirectory directory_;
};

// Returns the lines between two marks: "[ RUN" and "[       OK", for example.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find(end, from);
  if (from == std::string::npos || to == std::string::npos) return "(missing)";
  const std::size_t line = text.find('\n', from) + 1;
  return text.substr(line, to - line);
}

void expect_printable(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(printable(line), line);
}

TEST_F(InnerRun, PassedTestPrintsNothingAndLeavesNoFilesAndNoProcess) {
  const warden::RunResult result = run(inner("Inner.Passes"));
  EXPECT_THAT(result, ExitedWith(0));
  EXPECT_EQ(between(text_of(result), "[ RUN      ] Inner.Passes", "[       OK ] Inner.Passes"), "");
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_THAT(pids(), SizeIs(3));
}

TEST_F(InnerRun, FailedTestPrintsTheLastLinesOfEachChildAndNamesTheFiles) {
  const warden::RunResult result = run(inner("Inner.FailsInItsBody"));
  EXPECT_THAT(result, ExitedWith(1));
  const std::string text = text_of(result);
  EXPECT_THAT(text,
              AllOf(HasSubstr("child 'first' (pid "), HasSubstr("child 'path/to second' (pid "),
                    HasSubstr("): killed by SIGTERM\n  last lines of stdout:\n  | listening\n"),
                    HasSubstr("  last lines of stderr:\n  | log of first\n"), HasSubstr("log of path/to second")));
  EXPECT_THAT(text, HasSubstr("files: " + (outputs() / "Inner.FailsInItsBody.first").string() + "."));
  EXPECT_THAT(text, Not(HasSubstr("had ended"))) << "one failure, the test's own";
}

TEST_F(InnerRun, FilesOfAFailedTestHaveTheOutputAndTheAttempts) {
  run(inner("Inner.FailsInItsBody"));
  EXPECT_THAT(files(), ElementsAre("Inner.FailsInItsBody.first.attempts", "Inner.FailsInItsBody.first.stderr",
                                   "Inner.FailsInItsBody.first.stdout", "Inner.FailsInItsBody.to_second.attempts",
                                   "Inner.FailsInItsBody.to_second.stderr", "Inner.FailsInItsBody.to_second.stdout"));
  EXPECT_EQ(read(outputs() / "Inner.FailsInItsBody.first.stdout"), "listening\n");
  EXPECT_EQ(read(outputs() / "Inner.FailsInItsBody.first.stderr"), "log of first\n");
  EXPECT_THAT(read(outputs() / "Inner.FailsInItsBody.first.attempts"),
              AllOf(HasSubstr("child 'first'"), HasSubstr("terminate send_signal SIGTERM to tree: ok")));
}

TEST_F(InnerRun, CrashOfAChildFailsTheTestWithItsStoryAndItsFiles) {
  const warden::RunResult result = run(inner("Inner.HasAChildThatCrashes"));
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(text_of(result), AllOf(HasSubstr("inner_tests.cc:"), HasSubstr("crashed: killed by SIGSEGV"),
                                     HasSubstr("log of crasher"), HasSubstr("HasAChildThatCrashes.crasher.{")));
  EXPECT_THAT(read(outputs() / "Inner.HasAChildThatCrashes.crasher.attempts"), HasSubstr("crashed: killed by SIGSEGV"));
}

TEST_F(InnerRun, FilesThatCannotBeWrittenAreNamedAndFailNothingElse) {
  warden::Command command = inner("Inner.FailsInItsBody");
  command.env("TEST_UNDECLARED_OUTPUTS_DIR", outputs() / "mis\nsing");
  const warden::RunResult result = run(command);
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(text_of(result), ContainsRegex("/mis.x0asing/.*could not be written: No such file or directory"));
}

// The log is read by people, on terminals, and by programs, line by line; the XML has to be XML.
TEST_F(InnerRun, ChildForgesNeitherALineOfTheLogNorMoreThanTextInTheXml) {
  const fs::path xml = outputs() / "xml";
  const warden::RunResult result = run(inner("Inner.HasAChildThatForges").arg("--gtest_output=xml:" + xml.string()));
  EXPECT_THAT(result, ExitedWith(1));
  const std::string text = text_of(result);
  EXPECT_THAT(text, HasSubstr("child 'for\\x0ager\\x1b[2J' (pid "));
  EXPECT_THAT(text, HasSubstr("\n  | \\x1b[2K\\x0d[  PASSED  ] 1 test.\n  | ::error::forged\n"
                              "  | caf\xc3\xa9 \\xc2\\x9b \\xff\n"));
  expect_printable(text);
  EXPECT_THAT(read(xml), HasSubstr("| caf\xc3\xa9 \\xc2\\x9b \\xff"));
  expect_printable(read(xml));
}

TEST_F(InnerRun, ChildThatIsNotReadyIsOneFailureThatSaysWhy) {
  const warden::RunResult result = run(inner("Inner.HasAChildThatIsNotReady"));
  EXPECT_THAT(result, ExitedWith(1));
  const std::string text = text_of(result);
  const std::size_t first = text.find("Failure\n");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("Failure\n", first + 1), std::string::npos) << text;
  EXPECT_THAT(text, AllOf(HasSubstr("was not ready: its stdout had no line with 'never'"),
                          HasSubstr("it was ended: exited with code 3"), HasSubstr("\n  | log of unready\n")));
}

TEST_F(InnerRun, WithoutADirectoryForFilesTheLinesArePrintedAlone) {
  warden::Command command = inner("Inner.FailsInItsBody");
  command.unset_env("TEST_UNDECLARED_OUTPUTS_DIR");
  const std::string text = text_of(run(command));
  EXPECT_THAT(text, HasSubstr("log of first"));
  EXPECT_THAT(text, Not(HasSubstr("files:")));
}

TEST_F(InnerRun, RepeatedAndShuffledTestsWriteOverNoFile) {
  warden::Command command = inner("Inner.FailsInItsBody:Inner.Passes");
  command.args({"--gtest_repeat=2", "--gtest_shuffle", "--gtest_random_seed=3"});
  EXPECT_THAT(run(command), ExitedWith(1));
  EXPECT_THAT(files(), SizeIs(12));
  for (const char* number : {"", ".2"}) {
    for (const char* name : {"first", "to_second"}) {
      const std::string file = std::string("Inner.FailsInItsBody.") + name + number + ".stdout";
      EXPECT_EQ(read(outputs() / file), "listening\n") << file;
    }
  }
}

TEST_F(InnerRun, ShardsShareADirectoryAndWriteOverNoFile) {
  for (const char* shard : {"0", "1"}) {
    warden::Command command = inner("Inner.FailsInItsBody:InnerScoped.Fails*:Some/*");
    command.env("GTEST_TOTAL_SHARDS", "2").env("GTEST_SHARD_INDEX", shard);
    EXPECT_THAT(run(command), ExitedWith(1));
  }
  std::vector<std::string> stems;
  for (const std::string& file : files()) {
    if (fs::path(file).extension() == ".attempts") stems.push_back(fs::path(file).stem());
  }
  EXPECT_THAT(stems, UnorderedElementsAre("Inner.FailsInItsBody.first", "Inner.FailsInItsBody.to_second",
                                          "InnerScoped.FailsBeforeTheScopeEnds.scoped",
                                          "Some_InnerParameters.Fails_0.one", "Some_InnerParameters.Fails_1.other"));
}

TEST_F(InnerRun, SkippedTestIsSkippedAndItsChildEnded) {
  const warden::RunResult result = run(inner("Inner.IsSkipped"));
  EXPECT_THAT(result, ExitedWith(0));
  EXPECT_THAT(text_of(result), AllOf(HasSubstr("[  SKIPPED ] 1 test"), Not(HasSubstr("log of"))));
}

TEST_F(InnerRun, ExceptionOfATestFailsItAndItsChildrenAreEnded) {
  const warden::RunResult result = run(inner("Inner.Throws"));
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(text_of(result), AllOf(HasSubstr("on purpose"), HasSubstr("log of thrown")));
}

TEST_F(InnerRun, FatalFailureOfSetUpOrConstructorSkipsTheBodyAndItsChildrenAreEnded) {
  const warden::RunResult result = run(inner("FailingSetUp.*:FailingConstructor.*"));
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(text_of(result),
              AllOf(HasSubstr("log of set-up"), HasSubstr("log of constructor"), Not(HasSubstr("the body runs"))));
  EXPECT_THAT(pids(), SizeIs(4));
}

TEST_F(InnerRun, TearDownThatDoesNotCallOursLeavesNobody) {
  EXPECT_THAT(run(inner("ForgottenTearDown.*")), ExitedWith(0));
}

TEST_F(InnerRun, ScopedChildOfAFailedTestPrintsItsLastLines) {
  const warden::RunResult result = run(inner("InnerScoped.Fails*"));
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(text_of(result), HasSubstr("log of scoped"));
}

TEST_F(InnerRun, DeathTestsOfBothStylesEndNeitherTheChildNorLeaveTheirOwn) {
  const warden::RunResult fast = run(inner("InnerDeathTest.Fast"));
  EXPECT_THAT(fast, ExitedWith(0)) << text_of(fast);
  EXPECT_THAT(pids(), SizeIs(2));
  const warden::RunResult threadsafe = run(inner("InnerDeathTest.Threadsafe"));
  EXPECT_THAT(threadsafe, ExitedWith(0)) << text_of(threadsafe);
  EXPECT_THAT(pids(), SizeIs(2 * (1 + 3))) << "each death test runs the test once more up to its line";
}

TEST_F(InnerRun, ScopedChildOfASuiteWithAFailedTestPrintsItsLastLines) {
  EXPECT_THAT(text_of(run(inner("InnerSuiteWide.*"))), HasSubstr("log of suite's own"));
  EXPECT_THAT(text_of(run(inner("InnerSuiteWide.Passes"))), Not(HasSubstr("log of suite's own")));
}

TEST_F(InnerRun, ChildrenThatADeathTestStartsEndWithIt) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer lets no forked copy of a process with threads start one";
#endif
  // A forked copy never frees what it forgets, since another thread may hold a lock of it at the fork: no leak check.
  const warden::Command command = inner("InnerDeathTest.WithAChildOfItsOwn").env("ASAN_OPTIONS", "detect_leaks=0");
  const warden::RunResult result = run(command);
  EXPECT_THAT(result, ExitedWith(0)) << text_of(result);
  EXPECT_THAT(pids(), SizeIs(1 + 2 + 2));
}

TEST_F(InnerRun, ChildrenDieWithATestThatAborts) {
  EXPECT_THAT(run(inner("Inner.Aborts")), KilledBy(warden::Signal::abort()));
}

TEST_F(InnerRun, ChildrenAndTheirGroupsDieWithATestThatIsKilled) {
  EXPECT_THAT(run(inner("Inner.IsKilled")), KilledBy(warden::Signal::kill()));
  EXPECT_THAT(run(inner("Inner.GetsSigterm")), KilledBy(warden::Signal::terminate()));
  EXPECT_THAT(pids(), SizeIs(4));
}

TEST_F(InnerRun, ChildrenDieWithATestThatExits) { EXPECT_THAT(run(inner("Inner.Exits")), ExitedWith(0)); }

// GoogleTest throws failures to hand them to another framework. A destructor must not throw.
TEST_F(InnerRun, FailuresThatAreThrownComeOutOfNoTearDown) {
  warden::Command command = inner("Inner.HasAChildThatCrashes:InnerScoped.HasAChildThatEnds");
  const warden::RunResult result = run(command.arg("--gtest_throw_on_failure"));
  EXPECT_THAT(result, ExitedWith(1));
  EXPECT_THAT(text_of(result), AllOf(HasSubstr("crashed: killed by SIGSEGV"), HasSubstr("exited with code 3")));
}

}  // namespace
}  // namespace warden::testing

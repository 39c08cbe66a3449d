// Which program a spawn finds: Command's rule as a table of PATH entries, relative programs and directories; and what
// happens with a malformed environment of the host.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

namespace fs = std::filesystem;

// A directory of one test, with
//   host/tool  here/tool  good/tool   programs that exit with 1, 2 and 3
//   plain/tool                        may not be executed
//   folder/tool/                      a directory
//   dangling/tool                     a link to nothing
//   loop/tool                         a link to itself
//   broken/tool                       a script with a missing interpreter
//   script/tool                       a program of a shell that exits with 5, without a `#!` line
//   empty/tool                        an empty file that may be executed
//   file                              no directory
class Lookup : public ::testing::Test {
 protected:
  Lookup() {
    put_program("host", 1);
    put_program("here", 2);
    put_program("good", 3);
    put_program("plain", 4);
    put_file("broken", "#!/no/such/interpreter\n");
    put_file("script", "exit 5\n");
    put_file("empty", "");
    fs::permissions(root_ / "plain/tool", fs::perms::owner_read | fs::perms::owner_write);
    fs::create_directories(root_ / "folder/tool");
    for (const char* const directory : {"dangling", "loop"}) fs::create_directory(root_ / directory);
    fs::create_symlink("nothing", root_ / "dangling/tool");
    fs::create_symlink("tool", root_ / "loop/tool");
    std::ofstream(root_ / "file") << "text";
  }

  void put_program(const char* directory, int code) const {
    put_file(directory, "#!/bin/sh\nexit " + std::to_string(code) + "\n");
  }

  void put_file(const char* directory, const std::string& text) const {
    fs::create_directory(root_ / directory);
    std::ofstream(root_ / directory / "tool") << text;
    fs::permissions(root_ / directory / "tool", fs::perms::owner_all);
  }

  std::string at(const std::string& name) const { return directory_.path(name); }

  // Starts the command's child; returns its exit code, or the error's text.
  std::string outcome_of(const Command& command) const {
    Result<Child, SpawnError> child = Child::spawn(command);
    if (!child) return describe(child.error());
    return std::to_string(child.value().wait().value().exit_code().value_or(-1));
  }

  // The same from the directory `host`.
  std::string outcome_in_host(const Command& command) const {
    std::string outcome;
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    run_isolated_unchecked([&] {
      ASSERT_EQ(::chdir(at("host").c_str()), 0);
      const std::string text = outcome_of(command);
      ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    });
    ::close(ends[1]);
    char buffer[512] = "";
    EXPECT_GT(::read(ends[0], buffer, sizeof buffer - 1), 0);
    ::close(ends[0]);
    return buffer;
  }

  // The error as "exec ENOENT ./tool", without the root.
  std::string describe(const SpawnError& error) const {
    const char* const step = error.step == SpawnError::Step::kExec             ? "exec"
                             : error.step == SpawnError::Step::kResolveProgram ? "resolve"
                                                                               : "?";
    std::string value = error.subject;
    if (value.rfind(root_.string(), 0) == 0) value.erase(0, root_.string().size() + 1);
    return std::string(step) + " " + ::strerrorname_np(error.code.value()) + " " + value;
  }

  const TemporaryDirectory directory_;
  const fs::path root_ = directory_.path();
};

struct PathCase {
  std::vector<const char*> entries;  // below the root, but unchanged if empty or with a leading '.'
  const char* outcome;
};

TEST_F(Lookup, GoesThroughThePathInItsOrder) {
  const std::vector<PathCase> cases = {
      {{"good"}, "3"},
      {{"good", "here"}, "3"},
      {{"here", "good"}, "2"},
      {{"missing", "good"}, "3"},
      {{"file", "good"}, "3"},
      {{"plain", "good"}, "3"},
      {{"folder", "good"}, "3"},
      {{"dangling", "good"}, "3"},
      {{"loop", "good"}, "3"},
      {{"missing"}, "resolve ENOENT tool"},
      {{"file"}, "resolve ENOENT tool"},
      {{"dangling"}, "resolve ENOENT tool"},
      {{"loop"}, "resolve ENOENT tool"},
      {{"plain"}, "resolve EACCES tool"},
      {{"plain", "missing"}, "resolve EACCES tool"},
      {{"missing", "plain"}, "resolve EACCES tool"},
      {{"."}, "1"},
      {{""}, "1"},
      {{"", "good"}, "1"},
      {{"good", ""}, "3"},
      {{"missing", ""}, "1"},
      {{"missing", "", "good"}, "1"},
      {{"./../here"}, "2"},
      {{"broken", "good"}, "3"},
      {{"broken", "missing", "loop", "folder", "good"}, "3"},
      {{"broken", "empty", "broken", "here", "good"}, "2"},
      {{"broken", ""}, "1"},
      {{"broken", "./../here"}, "2"},
      {{"broken"}, "exec ENOENT broken/tool"},
      {{"broken", "missing"}, "exec ENOENT broken/tool"},
      {{"missing", "broken", "file", "loop"}, "exec ENOENT broken/tool"},
      {{"broken", "plain", "folder"}, "exec EACCES plain/tool"},
      {{"folder", "plain", "broken"}, "exec EACCES folder/tool"},
      {{"empty", "good"}, "3"},
      {{"empty"}, "exec ENOEXEC empty/tool"},
      {{"empty", "broken"}, "exec ENOEXEC empty/tool"},
      {{"empty", "plain"}, "exec EACCES plain/tool"},
      {{"script", "good"}, "exec ENOEXEC script/tool"},
      {{"broken", "empty", "script", "good"}, "exec ENOEXEC script/tool"},
  };
  for (const PathCase& one : cases) {
    std::string path;
    for (std::size_t i = 0; i < one.entries.size(); ++i) {
      const std::string entry = one.entries[i];
      path += (i == 0 ? "" : ":") + (entry.empty() || entry[0] == '.' ? entry : at(entry));
    }
    EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", path)), one.outcome) << path;
    // The child's own directory does not matter.
    EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", path).cwd(at("here"))), one.outcome) << path << " in here";
  }
}

// What the C library's execvp does: the exit code, or the error's name. ENOTDIR, its error where the last entry is no
// directory, stands for ENOENT.
std::string outcome_of_execvp() {
  const pid_t child = ::fork();
  if (child == 0) {
    char name[] = "tool";
    char* const arguments[] = {name, nullptr};
    ::execvp(name, arguments);
    ::_exit(100 + (errno == ENOTDIR ? ENOENT : errno));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  const int code = WEXITSTATUS(status);
  return code < 100 ? std::to_string(code) : ::strerrorname_np(code - 100);
}

// Not with a loop of links or a name that is too long, at which the C library's search ends and ours goes on.
TEST_F(Lookup, FindsWhatExecvpFindsWithTheFallbackToTheShell) {
  const std::vector<std::string> kinds = {"good", "here", "plain", "folder", "dangling", "missing",
                                          "file", "",     "empty", "script", "broken"};
  run_isolated_unchecked([&] {
    ASSERT_EQ(::chdir(at("host").c_str()), 0);
    const auto compare = [this](const std::string& path) {
      ASSERT_EQ(::setenv("PATH", path.c_str(), 1), 0);
      const std::string outcome = outcome_of(Command("tool").shell_fallback(true));  // "exec ENOENT broken/tool"
      const std::size_t error = outcome.find(' ') + 1;
      EXPECT_EQ(outcome.substr(error, outcome.find(' ', error) - error), outcome_of_execvp())
          << path << ": " << outcome;
    };
    const auto entry = [this](const std::string& kind) { return kind.empty() ? kind : at(kind); };
    for (const std::string& first : kinds) {
      compare(entry(first));
      for (const std::string& second : kinds) compare(entry(first) + ":" + entry(second));
      compare(entry("broken") + ":" + entry(first) + ":" + entry("good"));
      compare(entry("plain") + ":" + entry(first) + ":" + entry("broken"));
    }
  });
}

TEST_F(Lookup, TakesARelativeProgramFromWhereTheChildStarts) {
  struct Case {
    const char* program;
    const char* cwd;  // below the root; null for the host's
    const char* outcome;
  };
  const std::vector<Case> cases = {
      {"./tool", nullptr, "1"},
      {"./tool", "here", "2"},
      {"../good/tool", nullptr, "3"},
      {"../good/tool", "here", "3"},
      {"good/tool", nullptr, "exec ENOENT good/tool"},
      {"good/tool", "", "3"},
      {"./tool", "", "exec ENOENT ./tool"},
      {"plain/tool", "", "exec EACCES plain/tool"},
      {"folder/tool", "", "exec EACCES folder/tool"},
      {"dangling/tool", "", "exec ENOENT dangling/tool"},
      {"loop/tool", "", "exec ELOOP loop/tool"},
      {"file/tool", "", "exec ENOTDIR file/tool"},
      {"tool/", "good", "exec ENOTDIR tool/"},
  };
  for (const Case& one : cases) {
    Command command(one.program);
    if (one.cwd != nullptr) command.cwd(at(one.cwd));
    // The PATH leads elsewhere: a name with a slash is not looked up.
    EXPECT_EQ(outcome_in_host(command.env("PATH", at("here"))), one.outcome)
        << one.program << " in " << (one.cwd == nullptr ? "the host's directory" : one.cwd);
  }
}

TEST_F(Lookup, TakesARelativeDirectoryFromTheHosts) {
  EXPECT_EQ(outcome_in_host(Command("./tool").cwd("../here")), "2");
  EXPECT_EQ(outcome_in_host(Command("tool").cwd("../here").env("PATH", "../good")), "3");
  EXPECT_EQ(outcome_in_host(Command("tool").cwd("../here").env("PATH", ".")), "1");
}

TEST_F(Lookup, GoesThroughAThousandEntries) {
  std::string path;
  for (int i = 0; i < 1000; ++i) path += "/nonexistent/" + std::to_string(i) + ":";
  EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", path + at("good"))), "3");
  EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", path + at("plain"))), "resolve EACCES tool");
  EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", path + at("missing"))), "resolve ENOENT tool");
}

TEST_F(Lookup, GoesPastANameThatIsTooLong) {
  const std::string path = at(std::string(NAME_MAX + 1, 'x')) + ":" + std::string(2 * PATH_MAX, 'y') + ":" + at("good");
  EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", path)), "3");
  const std::string name(NAME_MAX + 1, 'x');
  EXPECT_EQ(outcome_in_host(Command(name).env("PATH", at("good"))), "resolve ENOENT " + name);
}

TEST_F(Lookup, SaysWhatThePathLedToWhenThatCannotBeExecuted) {
  std::ofstream(root_ / "good/tool") << "#!/no/such/interpreter\n";
  EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", at("good"))), "exec ENOENT good/tool");
  std::ofstream(root_ / "good/tool") << "exit 0\n";
  EXPECT_EQ(outcome_in_host(Command("tool").env("PATH", at("good") + ":" + at("here"))), "exec ENOEXEC good/tool");
}

// ---- An environment of the host that setenv(3) cannot make.

std::vector<std::string> environment_of(const Report& report) {
  std::vector<std::string> entries;
  for (int i = 0; report.count("env." + std::to_string(i)) != 0; ++i) {
    entries.push_back(report.at("env." + std::to_string(i)));
  }
  return entries;
}

std::vector<std::string> environment_with(std::vector<std::string> host, const Command& command) {
  std::vector<char*> pointers;
  for (std::string& entry : host) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  char** const before = environ;
  environ = pointers.data();
  const Report report = report_of(command);
  environ = before;
  return environment_of(report);
}

using Entries = std::vector<std::string>;

TEST(AnOddEnvironment, IsHandedOnAsItIs) {
  const Entries odd = {"A=1", "no_equals", "", "=value", "A=2", "EMPTY=", "B==", "A=1", "=C:=x"};
  EXPECT_EQ(environment_with(odd, Command(test_child_path())), odd);
}

TEST(AnOddEnvironment, HasEveryOneOfANameReplacedOrRemoved) {
  const Entries odd = {"A=1", "A", "AB=1", "A=2", "=A", "B=1", "B=2"};
  Command command(test_child_path());
  EXPECT_EQ(environment_with(odd, command.env("A", "3").unset_env("B")), (Entries{"A", "AB=1", "=A", "A=3"}));
}

TEST(AnOddEnvironment, IsGoneWhenItIsCleared) {
  EXPECT_EQ(environment_with({"no_equals", "=", "A=1"}, Command(test_child_path()).clear_env()), Entries{});
}

// clearenv(3) sets environ to null.
TEST(AnAbsentEnvironment, IsEmpty) {
  run_isolated_unchecked([] {
    ASSERT_EQ(::clearenv(), 0);
    ASSERT_EQ(environ, nullptr);
    EXPECT_EQ(environment_of(report_of(Command(test_child_path()))), Entries{});
    EXPECT_EQ(environment_of(report_of(Command(test_child_path()).env("A", "1"))), Entries{"A=1"});
    EXPECT_EQ(environment_of(report_of(Command(test_child_path()).unset_env("A"))), Entries{});
    EXPECT_TRUE(Child::spawn(Command("true")).value().wait().value().success()) << "found in the default path";
  });
}

TEST_F(Lookup, UsesTheFirstOfTwoPaths) {
  const std::string first = "PATH=" + at("good");
  const std::string second = "PATH=" + at("here");
  std::vector<std::string> host = {"PATH", first, second};
  std::vector<char*> pointers = {host[0].data(), host[1].data(), host[2].data(), nullptr};
  char** const before = environ;
  environ = pointers.data();
  const std::string outcome = outcome_in_host(Command("tool"));
  environ = before;
  EXPECT_EQ(outcome, "3");
}

}  // namespace
}  // namespace warden::test_support

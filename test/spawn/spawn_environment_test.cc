// The child's environment, and the look-up of its program by it.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

Command reporter() { return Command(test_child_path()); }

std::vector<std::string> environment_of(const Report& report) {
  std::vector<std::string> entries;
  for (int i = 0; report.count("env." + std::to_string(i)) != 0; ++i) {
    entries.push_back(report.at("env." + std::to_string(i)));
  }
  return entries;
}

using Entries = std::vector<std::string>;

TEST(SpawnEnvironment, IsTheParentsAtTheTimeOfTheSpawn) {
  run_isolated_unchecked([] {
    test_child_path();  // uses the environment, and is remembered
    ASSERT_EQ(::clearenv(), 0);
    ::setenv("FIRST", "1", 1);
    const Command command = reporter();
    ::setenv("SECOND", "two words=and more", 1);
    check_leaves_nothing([&command] {
      EXPECT_EQ(environment_of(report_of(command)), (Entries{"FIRST=1", "SECOND=two words=and more"}));
    });
  });
}

TEST(SpawnEnvironment, AppliesTheChangesInTheirOrder) {
  run_isolated_unchecked([] {
    test_child_path();
    ASSERT_EQ(::clearenv(), 0);
    ::setenv("KEPT", "1", 1);
    ::setenv("GONE", "1", 1);
    ::setenv("CHANGED", "old", 1);
    ::setenv("CHANGED_TOO", "old", 1);
    Command command = reporter();
    command.unset_env("GONE").env("CHANGED", "new").env("BACK", "1").unset_env("BACK").env("BACK", "2");
    command.unset_env("NEVER_THERE").env("EMPTY", "").env("CHANGED", "newest");
    check_leaves_nothing([&command] {
      EXPECT_EQ(environment_of(report_of(command)),
                (Entries{"KEPT=1", "CHANGED_TOO=old", "BACK=2", "EMPTY=", "CHANGED=newest"}));
    });
    EXPECT_STREQ(::getenv("CHANGED"), "old");
  });
}

TEST(SpawnEnvironment, ClearRemovesWhatWasThereAndWhatWasSetBefore) {
  Command command = reporter();
  command.env("BEFORE", "1").clear_env().env("AFTER", "2");
  EXPECT_EQ(environment_of(report_of(command)), Entries{"AFTER=2"});
  EXPECT_EQ(environment_of(report_of(reporter().clear_env())), Entries{});
}

// A directory with a link to test_child by the name of "the_program".
class SpawnLookup : public ::testing::Test {
 protected:
  SpawnLookup() { EXPECT_EQ(::symlink(test_child_path().c_str(), directory_.path("the_program").c_str()), 0); }
  // Not executable.
  void make_text() const { ::close(::creat(directory_.path("the_text").c_str(), 0600)); }

  const TemporaryDirectory directory_;
};

TEST_F(SpawnLookup, UsesThePathOfTheChildsEnvironment) {
  const Report report = report_of(Command("the_program").env("PATH", "/nonexistent:" + directory_.path() + ":/bin"));
  EXPECT_EQ(report.at("argv.0"), "the_program");
  const SpawnError error = error_of(Command("the_program").env("PATH", "/nonexistent:/bin"));
  EXPECT_EQ(error.code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(error.step, SpawnError::Step::kResolveProgram);
  EXPECT_EQ(error.subject, "the_program");
}

TEST_F(SpawnLookup, DoesNotUseThePathOfTheParentWhenTheChildHasAnother) {
  run_isolated_unchecked([this] {
    ::setenv("PATH", directory_.path().c_str(), 1);
    check_leaves_nothing([] {
      EXPECT_EQ(report_of(Command("the_program")).at("argv.0"), "the_program");
      EXPECT_EQ(error_of(Command("the_program").env("PATH", "/bin")).step, SpawnError::Step::kResolveProgram);
      EXPECT_EQ(error_of(Command("the_program").unset_env("PATH")).step, SpawnError::Step::kResolveProgram);
    });
  });
}

TEST_F(SpawnLookup, FallsBackToTheDefaultPathWhenThereIsNone) {
  Result<Child, SpawnError> child = Child::spawn(Command("true").clear_env());
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_TRUE(child.value().wait().value().success());
}

TEST_F(SpawnLookup, TakesARelativeEntryFromTheParentsDirectory) {
  run_isolated_unchecked([this] {
    ASSERT_EQ(::chdir(directory_.path("..").c_str()), 0);
    const std::string relative = directory_.path().substr(directory_.path().rfind('/') + 1);
    const Report report = report_of(Command("the_program").env("PATH", relative).cwd("/"));
    EXPECT_EQ(report.at("cwd"), "/");
  });
}

TEST_F(SpawnLookup, AProgramWithASlashIsNeverLookedUp) {
  ASSERT_EQ(::mkdir(directory_.path("sub").c_str(), 0700), 0);
  ASSERT_EQ(::symlink(test_child_path().c_str(), directory_.path("sub/it").c_str()), 0);
  const SpawnError error = error_of(Command("sub/it").env("PATH", directory_.path()));
  EXPECT_EQ(error.code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(error.step, SpawnError::Step::kExec);
  EXPECT_EQ(error.subject, "sub/it");
}

TEST_F(SpawnLookup, SaysThatAFileIsThereButMayNotBeExecuted) {
  make_text();
  const SpawnError error = error_of(Command("the_text").env("PATH", directory_.path()));
  EXPECT_EQ(error.code, std::errc::permission_denied);
  EXPECT_EQ(error.step, SpawnError::Step::kResolveProgram);
}

TEST_F(SpawnLookup, GoesPastAFileThatMayNotBeExecuted) {
  make_text();
  const std::string other = directory_.path("other");
  ASSERT_EQ(::mkdir(other.c_str(), 0700), 0);
  ASSERT_EQ(::symlink(test_child_path().c_str(), (other + "/the_text").c_str()), 0);
  const Report report = report_of(Command("the_text").env("PATH", directory_.path() + ":" + other));
  EXPECT_EQ(report.at("argv.0"), "the_text");
}

TEST_F(SpawnLookup, ADirectoryOfTheNameIsNoProgram) {
  const std::string other = directory_.path("sub");
  ASSERT_EQ(::mkdir(other.c_str(), 0700), 0);
  ASSERT_EQ(::mkdir((other + "/the_program").c_str(), 0700), 0);
  const Report report = report_of(Command("the_program").env("PATH", other + ":" + directory_.path()));
  EXPECT_EQ(report.at("argv.0"), "the_program");
}

TEST_F(SpawnLookup, AnEmptyEntryIsTheParentsDirectory) {
  run_isolated_unchecked([this] {
    ASSERT_EQ(::chdir(directory_.path().c_str()), 0);
    EXPECT_EQ(report_of(Command("the_program").env("PATH", "/bin:")).at("argv.0"), "the_program");
  });
}

}  // namespace
}  // namespace warden::test_support

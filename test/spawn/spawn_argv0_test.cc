// Command::argv0: what the program gets as its own name.
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

TEST(SpawnArgv0, IsWhatTheProgramGetsBeforeItsArguments) {
  for (const std::string argv0 : {"-sh", "", "two words", "/elsewhere/tool"}) {
    const Report report = report_of(Command(test_child_path()).argv0(argv0), {"last"});
    EXPECT_EQ(report.at("argv.0"), argv0);
    EXPECT_EQ(report.at("argv.3"), "last");
  }
  EXPECT_EQ(report_of(Command(test_child_path()).argv0("first").argv0("second")).at("argv.0"), "second");
}

TEST(SpawnArgv0, ChangesNeitherTheProgramNorTheNameOfTheChild) {
  const Command command = Command("/no/such/program").argv0("sh");
  EXPECT_EQ(command.program(), "/no/such/program");
  EXPECT_EQ(command.display_name(), "/no/such/program");
  const SpawnError error = error_of(command);
  EXPECT_EQ(error.subject, "/no/such/program");
  EXPECT_EQ(error.process_name, "/no/such/program");
  EXPECT_EQ(error_of(Command("no_such_program_anywhere").argv0("true")).subject, "no_such_program_anywhere");
  EXPECT_TRUE(run(Command("true").argv0("no_such_program_anywhere")).value().status.success());
}

TEST(SpawnArgv0, IsNotWhatAScriptGets) {
  const TemporaryDirectory directory;
  const std::string script = directory.path("script");
  std::ofstream(script) << "#!/bin/sh\nprintf %s \"$0\"\n";
  ASSERT_EQ(::chmod(script.c_str(), 0700), 0);
  EXPECT_EQ(run(Command(script).argv0("other")).value().stdout_output.text(), script);
}

}  // namespace
}  // namespace warden::test_support

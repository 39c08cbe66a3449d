// Command::shell_fallback: scripts without a `#!` line, which execve(2) does not run.
#include <errno.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

class ScriptWithoutInterpreter : public ::testing::Test {
 protected:
  void put(const std::string& text) const {
    std::ofstream(script_) << text;
    ASSERT_EQ(::chmod(script_.c_str(), 0700), 0);
  }

  static std::string output_of(const Command& command) {
    const auto done = require_success(run(command));
    return done ? done.value().stdout_output.text() : done.error().to_string();
  }

  const TemporaryDirectory directory_;
  const std::string script_ = directory_.path("script");
};

TEST_F(ScriptWithoutInterpreter, IsRefusedUnlessTheCallerAsksForTheShell) {
  put("exit 0\n");
  for (const Command& command : {Command(script_), Command(script_).shell_fallback(true).shell_fallback(false),
                                 Command("script").env("PATH", directory_.path())}) {
    const SpawnError error = error_of(command);
    EXPECT_EQ(error.step, SpawnError::Step::kExec);
    EXPECT_EQ(error.code, std::errc::executable_format_error);
    EXPECT_EQ(error.subject, script_);
  }
}

TEST_F(ScriptWithoutInterpreter, IsRunByTheShellWithItsPathAndItsArguments) {
  put("tr '\\0' '|' </proc/$$/cmdline\n");
  const std::string expected = "/bin/sh|" + script_ + "|a b||-x|";
  Command command = Command(script_).args({"a b", "", "-x"}).shell_fallback(true);
  EXPECT_EQ(output_of(command), expected);
  EXPECT_EQ(output_of(command.argv0("other")), expected);
  EXPECT_EQ(output_of(command.die_with_parent(true)), expected);
  EXPECT_EQ(output_of(Command(script_).shell_fallback(true)), "/bin/sh|" + script_ + "|");
}

TEST_F(ScriptWithoutInterpreter, IsFoundInThePathAndFromTheChildsDirectory) {
  put("printf '%s in %s' \"$0\" \"$PWD\"\n");
  Command found = Command("script").shell_fallback(true).env("PATH", "/nonexistent:" + directory_.path() + ":/bin");
  EXPECT_EQ(output_of(found.cwd("/")), script_ + " in /");
  EXPECT_EQ(output_of(Command("./script").shell_fallback(true).cwd(directory_.path())),
            "./script in " + directory_.path());
}

TEST_F(ScriptWithoutInterpreter, MayBeEmpty) {
  put("");
  EXPECT_EQ(output_of(Command(script_).shell_fallback(true)), "");
  EXPECT_EQ(error_of(Command(script_)).code, std::errc::executable_format_error);
}

// Only ENOEXEC is the shell's.
TEST_F(ScriptWithoutInterpreter, IsNoScriptWithAMissingOne) {
  put("#!/no/such/interpreter\nexit 0\n");
  EXPECT_EQ(error_of(Command(script_).shell_fallback(true)).code, std::errc::no_such_file_or_directory);
  put("exit 0\n");
  ASSERT_EQ(::chmod(script_.c_str(), 0600), 0);
  EXPECT_EQ(error_of(Command(script_).shell_fallback(true)).code, std::errc::permission_denied);
}

}  // namespace
}  // namespace warden::test_support

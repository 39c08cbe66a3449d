// run() refuses bad input by name, before anything is started.
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <system_error>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/run_helpers.h"
#include "test/support/temporary_directory.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;
using Step = RunError::Step;

struct BadInput {
  const char* name;
  std::function<void(Command*, RunOptions*)> spoil;
  std::string field, value, reason;
  std::errc code = std::errc::invalid_argument;
};

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

const BadInput kBadInputs[] = {
    {"NegativeTimeout", [](Command*, RunOptions* options) { options->timeout = -absl::Seconds(2); }, "timeout", "-2s",
     "a duration must not be negative"},
    {"NegativeDrainTimeout", [](Command*, RunOptions* options) { options->drain_timeout = -absl::Seconds(2); },
     "drain_timeout", "-2s", "a duration must not be negative"},
    {"WrongPolicy",
     [](Command*, RunOptions* options) { options->policy = TerminationPolicy::service(-absl::Seconds(2)); },
     "policy.phases[0].timeout", "-2s", "a duration must not be negative"},
    {"NoRoomForALine", [](Command*, RunOptions* options) { options->capture.max_line_length = 0; },
     "capture.max_line_length", "0", "no line has room"},
    {"TextAndFile",
     [](Command*, RunOptions* options) {
       options->stdin_text = "text";
       options->stdin_file = "/dev/null";
     },
     "stdin_file", "/dev/null", "stdin_text is given, too"},
    {"TextAndACommandsStdin",
     [](Command* command, RunOptions* options) {
       command->stdin_from(Stdio::inherit());
       options->stdin_text = "text";
     },
     "stdin_text", "4 bytes", "the command has a stdin of its own"},
    {"FileAndACommandsStdin",
     [](Command* command, RunOptions* options) {
       command->stdin_from(Stdio::pipe());
       options->stdin_file = "/dev/null";
     },
     "stdin_file", "/dev/null", "the command has a stdin of its own"},
    {"NoFile", [](Command*, RunOptions* options) { options->stdin_file = ""; }, "stdin_file", "", "is empty"},
    {"NulInTheFile", [](Command*, RunOptions* options) { options->stdin_file = std::string("a\0b", 3); }, "stdin_file",
     std::string("a\0b", 3), "contains a NUL byte"},
    {"MissingFile", [](Command*, RunOptions* options) { options->stdin_file = "/no/such/file"; }, "stdin_file",
     "/no/such/file", "cannot be read: No such file or directory", std::errc::no_such_file_or_directory},
    {"DirectoryAsFile", [](Command*, RunOptions* options) { options->stdin_file = "/tmp"; }, "stdin_file", "/tmp",
     "cannot be read: Is a directory", std::errc::is_a_directory},
};

class RunRefuses : public ::testing::TestWithParam<BadInput> {
 protected:
  ~RunRefuses() override { EXPECT_TRUE(std::filesystem::is_empty(directory_.path())) << "something was started"; }
  const TemporaryDirectory directory_;
};

TEST_P(RunRefuses, ByNameAndStartsNothing) {
  const BadInput& input = GetParam();
  Command command("touch");
  command.arg(directory_.path("started"));
  RunOptions options;
  input.spoil(&command, &options);
  const RunError error = error_of_run(command, options);
  EXPECT_EQ(error.step, Step::kOptions);
  EXPECT_EQ(error.process_name, "touch");
  ASSERT_TRUE(error.invalid_argument.has_value());
  EXPECT_EQ(error.invalid_argument->field, input.field);
  EXPECT_EQ(error.invalid_argument->value, input.value);
  EXPECT_EQ(error.invalid_argument->reason, input.reason);
  EXPECT_EQ(make_error_code(error), input.code);
  EXPECT_EQ(error.to_string(), "cannot run 'touch': " + error.invalid_argument->to_string() + ".");
  EXPECT_FALSE(error.status.has_value());
}

INSTANTIATE_TEST_SUITE_P(Every, RunRefuses, ::testing::ValuesIn(kBadInputs),
                         [](const ::testing::TestParamInfo<BadInput>& one) { return one.param.name; });

// What the spawn refuses is the spawn's error.
TEST(RunRefused, OfTheCommandIsTheSpawnsError) {
  Command command("true");
  const RunError error = error_of_run(command.umask(010000));
  EXPECT_EQ(error.step, Step::kSpawn);
  EXPECT_EQ(error.spawn_error->invalid_argument->field, "umask");
  EXPECT_EQ(error.invalid_argument.value().field, "umask");
  EXPECT_EQ(make_error_code(error), std::errc::invalid_argument);
}

TEST(RunRefused, ThrowsWithItsCodeAndText) {
  RunOptions options;
  options.stdin_file = "/no/such/file";
  try {
    run(Command("true"), options).value();
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(error.what(), HasSubstr("cannot run 'true': invalid stdin_file '/no/such/file'"));
  }
}

}  // namespace
}  // namespace warden::test_support

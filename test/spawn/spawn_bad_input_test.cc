// Child::spawn refuses bad input before it starts anything, and names the field and the value.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/support/spawn_helpers.h"

namespace warden::test_support {
namespace {

const std::string kNul("a\0b", 3);
constexpr int kClosed = 999;

struct BadInput {
  const char* test;
  std::function<void(Command&)> spoil;
  std::string field;
  std::string value;
  int error = EINVAL;
};

void PrintTo(const BadInput& bad, std::ostream* out) { *out << bad.test; }

std::vector<BadInput> bad_inputs() {
  return {
      {"EmptyProgram", [](Command& c) { c = Command(""); }, "program", ""},
      {"NulInProgram", [](Command& c) { c = Command(kNul); }, "program", kNul},
      {"NulInArgument",
       [](Command& c) {
         c.args({"fine", kNul});
       },
       "args[2]", kNul},
      {"NulInArgv0", [](Command& c) { c.argv0(kNul); }, "argv0", kNul},
      {"NulInName", [](Command& c) { c.name(kNul); }, "name", kNul},
      {"EmptyVariable", [](Command& c) { c.env("", "value"); }, "env", ""},
      {"EmptyUnsetVariable", [](Command& c) { c.unset_env(""); }, "env", ""},
      {"EqualsInVariable", [](Command& c) { c.env("A=B", "C"); }, "env", "A=B"},
      {"EqualsInUnsetVariable", [](Command& c) { c.unset_env("A=B"); }, "env", "A=B"},
      {"NulInVariable", [](Command& c) { c.env(kNul, "C"); }, "env", kNul},
      {"NulInValue", [](Command& c) { c.env("A", kNul); }, "env[A]", kNul},
      {"BadChangeBeforeClear", [](Command& c) { c.env("A=B", "C").clear_env(); }, "env", "A=B"},
      {"EmptyDirectory", [](Command& c) { c.cwd(""); }, "cwd", ""},
      {"NulInDirectory", [](Command& c) { c.cwd(kNul); }, "cwd", kNul},
      {"MissingDirectory", [](Command& c) { c.cwd("/no/such"); }, "cwd", "/no/such", ENOENT},
      {"FileAsDirectory", [](Command& c) { c.cwd("/dev/null"); }, "cwd", "/dev/null", ENOTDIR},
      {"ClosedStdin", [](Command& c) { c.stdin_from(Stdio::fd(kClosed)); }, "stdin", "999", EBADF},
      {"ClosedStdout", [](Command& c) { c.stdout_to(Stdio::fd(kClosed)); }, "stdout", "999", EBADF},
      {"ClosedStderr", [](Command& c) { c.stderr_to(Stdio::fd(kClosed)); }, "stderr", "999", EBADF},
      {"NegativeStdin", [](Command& c) { c.stdin_from(Stdio::fd(-1)); }, "stdin", "-1", EBADF},
      {"EmptyFile", [](Command& c) { c.stdout_to(Stdio::file("")); }, "stdout", ""},
      {"NulInFile", [](Command& c) { c.stdin_from(Stdio::file(kNul)); }, "stdin", kNul},
      {"PipeForStdout", [](Command& c) { c.stdout_to(Stdio::pipe()); }, "stdout", "pipe"},
      {"PipeForStderr", [](Command& c) { c.stderr_to(Stdio::pipe()); }, "stderr", "pipe"},
      {"CaptureForStdin", [](Command& c) { c.stdin_from(Stdio::capture()); }, "stdin", "capture"},
      {"CaptureWithoutRoomForALine",
       [](Command& c) {
         CaptureOptions options;
         options.max_line_length = 0;
         c.stderr_to(Stdio::capture(options));
       },
       "stderr", "max_line_length 0"},
      {"MergeForStdin", [](Command& c) { c.stdin_from(Stdio::merge()); }, "stdin", "merge"},
      {"MergeForStdout", [](Command& c) { c.stdout_to(Stdio::merge()); }, "stdout", "merge"},
      {"ClosedInherited", [](Command& c) { c.inherit_fd(kClosed, 5); }, "inherit_fd", "999", EBADF},
      {"NegativeInherited", [](Command& c) { c.inherit_fd(-7, 5); }, "inherit_fd", "-7", EBADF},
      {"StandardTarget", [](Command& c) { c.inherit_fd(0, 2); }, "inherit_fd", "2"},
      {"NegativeTarget", [](Command& c) { c.inherit_fd(0, -1); }, "inherit_fd", "-1"},
      {"TargetTwice", [](Command& c) { c.inherit_fd(0, 5).inherit_fd(1, 5); }, "inherit_fd", "5"},
      {"UnknownLimit",
       [](Command& c) {
         c.limit({99, 1, 1});
       },
       "limit", "99"},
      {"NegativeLimit",
       [](Command& c) {
         c.limit({-1, 1, 1});
       },
       "limit", "-1"},
      {"SoftAboveHard",
       [](Command& c) {
         c.limit({RLIMIT_CORE, 2, 1});
       },
       "limit", "2 > 1"},
      {"WideUmask", [](Command& c) { c.umask(01000); }, "umask", "512"},
      {"TooNice", [](Command& c) { c.nice(20); }, "nice", "20"},
      {"TooUrgent", [](Command& c) { c.nice(-21); }, "nice", "-21"},
      {"NoProcessor", [](Command& c) { c.cpu_affinity({}); }, "cpu_affinity", ""},
      {"NegativeProcessor",
       [](Command& c) {
         c.cpu_affinity({0, -1});
       },
       "cpu_affinity", "-1"},
      {"HugeProcessor",
       [](Command& c) {
         c.cpu_affinity({0, 8192});
       },
       "cpu_affinity", "8192"},
      {"ForegroundInASession", [](Command& c) { c.foreground(true).new_session(true); }, "foreground", "true"},
      {"ForegroundWithoutGroup", [](Command& c) { c.foreground(true).group(false); }, "foreground", "true"},
  };
}

class SpawnBadInput : public ::testing::TestWithParam<BadInput> {};

void expect_refused(const BadInput& bad) {
  Command command = test_command({"sleep"});
  bad.spoil(command);
  const SpawnError error = error_of(command);
  EXPECT_EQ(error.step, SpawnError::Step::kValidate);
  EXPECT_EQ(error.invalid_argument->field, bad.field);
  EXPECT_EQ(error.invalid_argument->value, bad.value);
  EXPECT_EQ(error.code, std::error_code(bad.error, std::generic_category())) << error;
  EXPECT_FALSE(error.invalid_argument->reason.empty());
  EXPECT_EQ(error.process_name, command.display_name());
}

TEST_P(SpawnBadInput, IsATypedErrorThatNamesTheFieldAndTheValue) { expect_refused(GetParam()); }

// The answer is the same where no process or thread can be started.
TEST_P(SpawnBadInput, IsRefusedBeforeAnythingIsStarted) {
  run_isolated([] {
    refuse_system_calls({{SYS_clone, EAGAIN}, {SYS_clone3, EAGAIN}});
    ASSERT_NE(error_of(test_command({"sleep"})).step, SpawnError::Step::kValidate);  // the filter works
    expect_refused(GetParam());
  });
}

std::string test_name(const ::testing::TestParamInfo<BadInput>& bad) { return bad.param.test; }

INSTANTIATE_TEST_SUITE_P(Each, SpawnBadInput, ::testing::ValuesIn(bad_inputs()), test_name);

}  // namespace
}  // namespace warden::test_support

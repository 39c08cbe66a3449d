#include "warden/error.h"

#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace warden {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::error_code os_error(int error) { return {error, std::generic_category()}; }

TEST(ErrcTest, EveryConditionHasATextOfItsOwn) {
  std::set<std::string> texts;
  for (const Errc code : {Errc::kNotAChild, Errc::kStillRunning, Errc::kSurvivors, Errc::kGroupUnknown,
                          Errc::kEmptyHandle, Errc::kStatusUnknown}) {
    const std::error_code error = code;
    EXPECT_TRUE(error) << "a condition must not look like success";
    EXPECT_STREQ(error.category().name(), "warden");
    EXPECT_THAT(error.message(), Not(HasSubstr("unknown error")));
    EXPECT_TRUE(texts.insert(error.message()).second) << error.message();
  }
  EXPECT_EQ(std::error_code(99, error_category()).message(), "unknown error 99");
}

TEST(ErrcTest, ConditionIsNotAnErrnoOfTheSameNumber) {
  EXPECT_NE(std::error_code(Errc::kNotAChild), os_error(static_cast<int>(Errc::kNotAChild)));
}

TEST(InvalidArgumentTest, TextNamesFieldValueAndReason) {
  const InvalidArgument error{"signal", "99", "a signal is a number from 1 to 64"};
  EXPECT_EQ(error.to_string(), "invalid signal '99': a signal is a number from 1 to 64");
  EXPECT_EQ(make_error_code(error), std::errc::invalid_argument);
}

TEST(InvalidArgumentTest, UnprintableValueIsEscaped) {
  const InvalidArgument error{"args", std::string("a\0z\n", 4), "must not have a NUL byte"};
  EXPECT_EQ(error.to_string(), "invalid args 'a\\x00z\\x0a': must not have a NUL byte");
}

TEST(InvalidArgumentTest, TextForgesNoLineWithTheNameOfAVariable) {
  const InvalidArgument error{"env[A\nwarden: b\x1b[2J]", std::string("a\0", 2), "contains a NUL byte"};
  EXPECT_EQ(error.to_string(), "invalid env[A\\x0awarden: b\\x1b[2J] 'a\\x00': contains a NUL byte");
}

TEST(SpawnErrorTest, FailedStepIsNamedWithItsPathAndErrno) {
  SpawnError error;
  error.code = os_error(ENOENT);
  error.step = SpawnError::Step::kExec;
  error.process_name = "server";
  error.subject = "/usr/bin/server";
  EXPECT_EQ(error.to_string(),
            "could not start 'server': cannot execute the program '/usr/bin/server': No such file or directory");
  EXPECT_EQ(make_error_code(error), std::errc::no_such_file_or_directory);
}

TEST(SpawnErrorTest, PathIsEscapedAndReadableWhereItIsUtf8) {
  SpawnError error;
  error.code = os_error(ENOENT);
  error.step = SpawnError::Step::kOpenFile;
  error.process_name = "server";
  error.subject = "/caf\xc3\xa9\n\xc2\x9b";
  EXPECT_EQ(error.to_string(),
            "could not start 'server': cannot open a file '/caf\xc3\xa9\\x0a\\xc2\\x9b': No such file or directory");
}

TEST(SpawnErrorTest, StepWithoutAPathHasNoQuotes) {
  SpawnError error;
  error.code = os_error(EPERM);
  error.step = SpawnError::Step::kSetUid;
  error.process_name = "server";
  EXPECT_EQ(error.to_string(), "could not start 'server': cannot set the user id: Operation not permitted");
}

TEST(SpawnErrorTest, BadInputIsNamedWithItsFieldValueAndReason) {
  SpawnError error;
  error.code = os_error(EINVAL);
  error.process_name = "server";
  error.invalid_argument = InvalidArgument{"env", "A=B", "a name must not have a '='"};
  EXPECT_THAT(error.to_string(), HasSubstr("invalid env 'A=B': a name must not have a '='"));
}

TEST(SpawnErrorTest, EveryStepHasATextOfItsOwn) {
  std::set<std::string_view> texts;
  for (int step = 0; step <= static_cast<int>(SpawnError::Step::kAdopt); ++step) {
    const std::string_view text = to_string(static_cast<SpawnError::Step>(step));
    EXPECT_NE(text, "unknown step") << step;
    EXPECT_TRUE(texts.insert(text).second) << text;
  }
}

TEST(WaitErrorTest, TextNamesTheProcessAndTheCause) {
  const WaitError error{os_error(EPERM), "server"};
  EXPECT_EQ(error.to_string(), "could not wait for 'server': Operation not permitted");
  EXPECT_EQ(make_error_code(error), std::errc::operation_not_permitted);
}

TEST(ErrorTest, TextForgesNoLineWithTheNameOfAProcess) {
  const WaitError error{os_error(EPERM), "a\nwarden: b\x1b[2J"};
  EXPECT_EQ(error.to_string(), "could not wait for 'a\\x0awarden: b\\x1b[2J': Operation not permitted");
}

TEST(ErrorTest, StreamsWriteTheText) {
  std::ostringstream out;
  out << InvalidArgument{"a", "b", "c"} << "|" << WaitError{Errc::kEmptyHandle, "x"} << "|" << SpawnError::Step::kExec;
  EXPECT_EQ(out.str(), "invalid a 'b': c|could not wait for 'x': the handle was moved from|exec");
}

}  // namespace
}  // namespace warden

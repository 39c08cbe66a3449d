// The texts of write errors and of outcomes of waiting for readiness.
#include "warden/stdin_error.h"

#include <sstream>
#include <string>
#include <system_error>

#include "gtest/gtest.h"
#include "warden/readiness.h"
#include "warden/result.h"

namespace warden {
namespace {

using Kind = StdinError::Kind;

template <class Value>
std::string text_of(const Value& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

StdinError error_of(Kind kind, std::errc code) { return {kind, std::make_error_code(code), "cat", 12}; }

TEST(StdinError, SaysInOneLineHowMuchWentAndWhyNoMore) {
  const std::string start = "could not write to the stdin of 'cat' after 12 bytes: ";
  EXPECT_EQ(text_of(error_of(Kind::kClosed, std::errc::bad_file_descriptor)), start + "it is closed");
  EXPECT_EQ(text_of(error_of(Kind::kTimedOut, std::errc::timed_out)), start + "it did not read in time");
  EXPECT_EQ(text_of(error_of(Kind::kNoReader, std::errc::broken_pipe)), start + "nobody reads it any more");
  EXPECT_EQ(text_of(error_of(Kind::kChildEnded, std::errc::broken_pipe)), start + "the process has ended");
  EXPECT_EQ(text_of(error_of(Kind::kFailed, std::errc::io_error)), start + "Input/output error");
  StdinError refused = error_of(Kind::kRefused, std::errc::invalid_argument);
  refused.written = 1;
  refused.invalid_argument = InvalidArgument{"timeout", "-1s", "a duration must not be negative"};
  EXPECT_EQ(text_of(refused),
            "could not write to the stdin of 'cat' after 1 byte: invalid timeout '-1s': a duration must not be "
            "negative");
}

TEST(StdinError, NamesItsKinds) {
  EXPECT_EQ(text_of(Kind::kRefused), "refused");
  EXPECT_EQ(text_of(Kind::kClosed), "closed");
  EXPECT_EQ(text_of(Kind::kTimedOut), "timed_out");
  EXPECT_EQ(text_of(Kind::kNoReader), "no_reader");
  EXPECT_EQ(text_of(Kind::kChildEnded), "child_ended");
  EXPECT_EQ(text_of(Kind::kFailed), "failed");
}

TEST(StdinError, NarrowsToItsCodeAndIsThrownWithItsLine) {
  const StdinError error = error_of(Kind::kTimedOut, std::errc::timed_out);
  EXPECT_EQ(make_error_code(error), std::errc::timed_out);
  const Result<void, StdinError> result = error;
  try {
    result.value();
    FAIL() << "it did not throw";
  } catch (const std::system_error& thrown) {
    EXPECT_EQ(thrown.code(), std::errc::timed_out);
    EXPECT_NE(std::string(thrown.what()).find(error.to_string()), std::string::npos);
  }
}

TEST(Readiness, NamesItsKindsAndIsReadyInOne) {
  EXPECT_EQ(text_of(Readiness::Kind::kReady), "ready");
  EXPECT_EQ(text_of(Readiness::Kind::kExited), "exited");
  EXPECT_EQ(text_of(Readiness::Kind::kTimedOut), "timed_out");
  EXPECT_TRUE(Readiness{Readiness::Kind::kReady}.ready());
  EXPECT_FALSE(Readiness{Readiness::Kind::kExited}.ready());
  EXPECT_FALSE(Readiness{}.ready());
}

}  // namespace
}  // namespace warden

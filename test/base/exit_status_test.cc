#include "warden/exit_status.h"

#include <sstream>

#include "gtest/gtest.h"

namespace warden {
namespace {

TEST(ExitStatusTest, ExitHasACodeAndNoSignal) {
  for (const int code : {0, 1, 9, 137, 255}) {
    const ExitStatus status = ExitStatus::exited(code);
    EXPECT_EQ(status.kind(), ExitStatus::Kind::kExited);
    EXPECT_EQ(status.exit_code(), code);
    EXPECT_EQ(status.signal(), std::nullopt);
    EXPECT_FALSE(status.core_dumped());
  }
}

TEST(ExitStatusTest, DeathBySignalHasASignalAndNoCode) {
  for (int number = 1; number <= 64; ++number) {
    const Signal signal = Signal::from_number(number).value();
    const ExitStatus status = ExitStatus::signaled(signal, false);
    EXPECT_EQ(status.kind(), ExitStatus::Kind::kSignaled);
    EXPECT_EQ(status.signal(), signal);
    EXPECT_EQ(status.exit_code(), std::nullopt);
    EXPECT_FALSE(status.success());
  }
}

TEST(ExitStatusTest, LostHasNeither) {
  const ExitStatus status = ExitStatus::lost();
  EXPECT_EQ(status.kind(), ExitStatus::Kind::kLost);
  EXPECT_EQ(status.exit_code(), std::nullopt);
  EXPECT_EQ(status.signal(), std::nullopt);
  EXPECT_FALSE(status.core_dumped());
  EXPECT_FALSE(status.success());
}

TEST(ExitStatusTest, SuccessIsAnExitWithCodeZeroAndNothingElse) {
  EXPECT_TRUE(ExitStatus::exited(0).success());
  for (int code = 1; code <= 255; ++code) EXPECT_FALSE(ExitStatus::exited(code).success()) << code;
}

TEST(ExitStatusTest, CodeAndSignalOfTheSameNumberAreDifferent) {
  EXPECT_NE(ExitStatus::exited(9), ExitStatus::signaled(Signal::kill(), false));
  EXPECT_NE(ExitStatus::exited(137), ExitStatus::signaled(Signal::kill(), false));
  EXPECT_NE(ExitStatus::exited(0), ExitStatus::lost());
  EXPECT_NE(ExitStatus::signaled(Signal::abort(), true), ExitStatus::signaled(Signal::abort(), false));
  EXPECT_EQ(ExitStatus::exited(3), ExitStatus::exited(3));
  EXPECT_NE(ExitStatus::exited(3), ExitStatus::exited(4));
}

TEST(ExitStatusTest, ResourceUsageIsKeptAndNotCompared) {
  ResourceUsage usage;
  usage.user_time = absl::Milliseconds(7);
  usage.max_rss_kib = 4096;
  const ExitStatus plain = ExitStatus::exited(3);
  const ExitStatus with_usage = plain.with_resource_usage(usage);
  EXPECT_FALSE(plain.resource_usage().has_value());
  ASSERT_TRUE(with_usage.resource_usage().has_value());
  EXPECT_EQ(with_usage.resource_usage()->user_time, absl::Milliseconds(7));
  EXPECT_EQ(with_usage.resource_usage()->max_rss_kib, 4096);
  EXPECT_EQ(plain, with_usage);
}

TEST(ExitStatusTest, TextSaysHowItEnded) {
  EXPECT_EQ(ExitStatus::exited(3).to_string(), "exited with code 3");
  EXPECT_EQ(ExitStatus::signaled(Signal::terminate(), false).to_string(), "killed by SIGTERM");
  EXPECT_EQ(ExitStatus::signaled(Signal::from_name("SEGV").value(), true).to_string(),
            "killed by SIGSEGV (core dumped)");
  EXPECT_EQ(ExitStatus::lost().to_string(), "exit status lost");
  std::ostringstream out;
  out << ExitStatus::exited(3);
  EXPECT_EQ(out.str(), "exited with code 3");
}

}  // namespace
}  // namespace warden

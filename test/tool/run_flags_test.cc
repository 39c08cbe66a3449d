// The meaning of the flags, without a process.
#include "lib/tool/run_flags.h"

#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace warden::tool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

ParsedFlags parse(std::vector<const char*> words) {
  words.insert(words.begin(), {"warden", "run"});
  return parse_flags(static_cast<int>(words.size()), words.data());
}

RunFlags flags_of(const std::vector<const char*>& words) {
  const ParsedFlags parsed = parse(words);
  EXPECT_TRUE(parsed.run.has_value()) << parsed.message;
  return parsed.run.value_or(RunFlags());
}

absl::Duration timeout_of(const char* flag) { return flags_of({flag, "--", "true"}).timeout; }

TEST(RunFlags, ADurationIsANumberWithAUnitOrSeveral) {
  EXPECT_EQ(timeout_of("--timeout=1s"), absl::Seconds(1));
  EXPECT_EQ(timeout_of("--timeout=250ms"), absl::Milliseconds(250));
  EXPECT_EQ(timeout_of("--timeout=1m30s"), absl::Seconds(90));
  EXPECT_EQ(timeout_of("--timeout=1.5h"), absl::Minutes(90));
  EXPECT_EQ(timeout_of("--timeout=0"), absl::ZeroDuration());
  EXPECT_EQ(timeout_of("--timeout=inf"), absl::InfiniteDuration());
}

TEST(RunFlags, EachDurationGoesToItsOwnPlace) {
  const RunFlags flags = flags_of({"--timeout=1s", "--interrupt-timeout=2s", "--terminate-timeout=3s", "--", "true"});
  EXPECT_EQ(flags.timeout, absl::Seconds(1));
  EXPECT_EQ(flags.interrupt_timeout, absl::Seconds(2));
  EXPECT_EQ(flags.terminate_timeout, absl::Seconds(3));
}

TEST(RunFlags, WithoutFlagsThereAreTheDocumentedDefaults) {
  const RunFlags flags = flags_of({"--", "true"});
  EXPECT_EQ(flags.timeout, absl::InfiniteDuration());
  EXPECT_EQ(flags.interrupt_timeout, absl::Seconds(1));
  EXPECT_EQ(flags.terminate_timeout, absl::Seconds(5));
  EXPECT_EQ(flags.name, "");
  EXPECT_FALSE(flags.cwd.has_value());
  EXPECT_TRUE(flags.env.empty());
  EXPECT_FALSE(flags.report.has_value());
  EXPECT_FALSE(flags.report_file.has_value());
  EXPECT_EQ(flags.tail, 0u);
  EXPECT_EQ(flags.capture_limit, 65536u);
  EXPECT_EQ(flags.ready_line, "");
  EXPECT_EQ(flags.ready_timeout, absl::Minutes(1));
}

TEST(RunFlags, TheLimitIsANumberOfBytesOrOfKibibytesOrMebibytes) {
  const auto limit_of = [](const char* flag) { return flags_of({"--tail=1", flag, "--", "true"}).capture_limit; };
  EXPECT_EQ(limit_of("--capture-limit=1"), 1u);
  EXPECT_EQ(limit_of("--capture-limit=64K"), 65536u);
  EXPECT_EQ(limit_of("--capture-limit=1024M"), 1073741824u);
  EXPECT_EQ(flags_of({"--tail=1000000", "--", "true"}).tail, 1000000u);
}

TEST(RunFlags, TheReadyLineIsAnyTextOfOneLine) {
  for (const char* text : {"x", "[1,2]", "a=b", " ", "-x", "\"q\"", "\xff"}) {
    const std::string flag = std::string("--ready-line=") + text;
    EXPECT_EQ(flags_of({flag.c_str(), "--ready-timeout=5s", "--", "true"}).ready_line, text);
  }
  EXPECT_EQ(flags_of({"--ready-line=x", "--ready-timeout=5s", "--", "true"}).ready_timeout, absl::Seconds(5));
}

TEST(RunFlags, AValueMayBeAWordOfItsOwn) {
  const RunFlags flags = flags_of({"--timeout", "1s", "--name", "db", "--", "true"});
  EXPECT_EQ(flags.timeout, absl::Seconds(1));
  EXPECT_EQ(flags.name, "db");
}

TEST(RunFlags, AVariableIsSplitAtItsFirstEqualsSign) {
  const RunFlags flags = flags_of({"--env=A=1", "--env=B=x=y,z", "--env", "C=", "--", "true"});
  EXPECT_THAT(flags.env, ElementsAre(Pair("A", "1"), Pair("B", "x=y,z"), Pair("C", "")));
}

TEST(RunFlags, WhatFollowsTheFirstSeparatorIsTheProgram) {
  const RunFlags flags = flags_of({"--", "sh", "--timeout=x", "--", "", "--help"});
  EXPECT_THAT(flags.program, ElementsAre("sh", "--timeout=x", "--", "", "--help"));
}

TEST(RunFlags, EachReportFormatHasItsWord) {
  EXPECT_EQ(flags_of({"--report=text", "--", "true"}).report, ReportFormat::kText);
  EXPECT_EQ(flags_of({"--report=json", "--", "true"}).report, ReportFormat::kJson);
  EXPECT_EQ(flags_of({"--report=none", "--", "true"}).report, ReportFormat::kNone);
}

TEST(RunFlags, HelpNamesEveryFlag) {
  const ParsedFlags parsed = parse({"--help"});
  EXPECT_FALSE(parsed.run.has_value());
  EXPECT_EQ(parsed.exit_code, 0);
  for (const char* flag :
       {"--timeout", "--interrupt-timeout", "--terminate-timeout", "--name", "--cwd", "--env", "--report",
        "--report-file", "--tail", "--capture-limit", "--ready-line", "--ready-timeout"}) {
    EXPECT_THAT(parsed.message, HasSubstr(flag));
  }
}

TEST(RunFlags, TheVersionIsOneLine) {
  const char* const words[] = {"warden", "--version"};
  const ParsedFlags parsed = parse_flags(2, words);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.message, ::testing::MatchesRegex("warden [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace warden::tool

#include "test/tool/json_report.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace warden::test_support {
namespace {

namespace json_ns = boost::json;
using json_ns::object;
using json_ns::value;
using ::testing::AnyOf;
using ::testing::StartsWith;

std::string text_of(const value& text) {
  if (!text.is_string()) return "(no string)";
  return std::string(text.get_string().data(), text.get_string().size());
}

std::string text_or_dash(const value& text) { return text.is_null() ? "-" : text_of(text); }

// A path in the report for failure messages, and the fields that must be there.
bool has_fields(const value& candidate, const std::string& where, const std::set<std::string>& names) {
  EXPECT_TRUE(candidate.is_object()) << where;
  if (!candidate.is_object()) return false;
  std::set<std::string> found;
  for (const auto& field : candidate.get_object()) {
    found.emplace(field.key().data(), field.key().size());
  }
  EXPECT_EQ(found, names) << where;
  return found == names;
}

void expect_milliseconds(const value& time, const std::string& where) {
  ASSERT_TRUE(time.is_int64()) << where << ": " << time;
  EXPECT_GE(time.get_int64(), 0) << where;
}

void expect_pid(const value& pid, const std::string& where) {
  ASSERT_TRUE(pid.is_int64()) << where << ": " << pid;
  EXPECT_GT(pid.get_int64(), 1) << where;
}

void expect_phase(const value& phase, const std::string& where) {
  EXPECT_THAT(text_of(phase), AnyOf("preflight", "interrupt", "terminate", "signal", "kill", "sweep")) << where;
}

void check_status(const value& status) {
  if (status.is_null()) return;
  if (!has_fields(status, "status", {"kind", "code", "signal", "core_dumped"})) return;
  const std::string kind = text_of(status.at("kind"));
  EXPECT_THAT(kind, AnyOf("exited", "signaled", "lost"));
  EXPECT_EQ(status.at("code").is_int64(), kind == "exited") << status;
  EXPECT_EQ(status.at("code").is_null(), kind != "exited") << status;
  EXPECT_EQ(status.at("signal").is_null(), kind != "signaled") << status;
  if (kind == "signaled") {
    EXPECT_THAT(text_of(status.at("signal")), StartsWith("SIG"));
  }
  EXPECT_TRUE(status.at("core_dumped").is_bool());
}

// Survivors or holders.
void check_processes(const value& survivors) {
  if (survivors.is_null()) return;
  ASSERT_TRUE(survivors.is_array());
  for (const value& survivor : survivors.get_array()) {
    if (!has_fields(survivor, "survivor", {"pid", "program"})) continue;
    expect_pid(survivor.at("pid"), "survivor");
    EXPECT_TRUE(survivor.at("program").is_string());
  }
}

// The operation decides which of signal and target are there. After a failed send the wait is one that checks the
// status.
void check_operation(const value& attempt, const std::string& where) {
  const std::string operation = text_of(attempt.at("operation"));
  const std::string signal = text_or_dash(attempt.at("signal"));
  const std::string target = text_or_dash(attempt.at("target"));
  if (operation == "send_signal") {
    EXPECT_THAT(signal, StartsWith("SIG")) << where;
    EXPECT_THAT(target, AnyOf("leader", "group")) << where;
  } else if (operation == "wait_for_exit" ||
             (operation == "check_status" && text_of(attempt.at("phase")) != "preflight")) {
    EXPECT_THAT(signal, StartsWith("SIG")) << where;
    EXPECT_EQ(target, "-") << where;
  } else if (operation == "check_status") {
    EXPECT_EQ(signal, "-") << where;
    EXPECT_EQ(target, "leader") << where;
  } else {
    EXPECT_EQ(operation, "sweep") << where;
    EXPECT_EQ(signal, "-") << where;
    EXPECT_EQ(target, "group") << where;
  }
}

void check_attempt(const value& attempt, const std::string& where) {
  if (!has_fields(
          attempt, where,
          {"phase", "operation", "signal", "target", "started_ms", "elapsed_ms", "result", "errno", "errno_name"})) {
    return;
  }
  expect_phase(attempt.at("phase"), where);
  check_operation(attempt, where);
  expect_milliseconds(attempt.at("started_ms"), where);
  expect_milliseconds(attempt.at("elapsed_ms"), where);
  const std::string result = text_of(attempt.at("result"));
  EXPECT_THAT(result, AnyOf("ok", "timed_out", "failed")) << where;
  const value& error = attempt.at("errno");
  EXPECT_TRUE(error.is_null() || (error.is_int64() && result == "failed")) << where << error;
  EXPECT_EQ(error.is_null(), attempt.at("errno_name").is_null()) << where;
  if (!error.is_null()) {
    EXPECT_THAT(text_of(attempt.at("errno_name")), StartsWith("E")) << where;
  }
}

// Attempts are in the order of their ends, and none started before the previous one.
void check_attempts(const value& attempts, std::int64_t elapsed_ms) {
  ASSERT_TRUE(attempts.is_array());
  std::int64_t latest = 0;
  int number = 0;
  for (const value& attempt : attempts.get_array()) {
    const std::string where = "attempt " + std::to_string(++number);
    check_attempt(attempt, where);
    if (::testing::Test::HasFailure()) return;
    const std::int64_t started = attempt.at("started_ms").get_int64();
    EXPECT_GE(started, latest) << where;
    latest = started;
    EXPECT_LE(started + attempt.at("elapsed_ms").get_int64(), elapsed_ms) << where;
  }
}

void check_tail(const value& tail, const std::string& where) {
  if (tail.is_null() || !has_fields(tail, where, {"lines", "truncated", "first_line_cut"})) return;
  ASSERT_TRUE(tail.at("lines").is_array()) << where;
  for (const value& line : tail.at("lines").get_array()) EXPECT_TRUE(line.is_string()) << where;
  ASSERT_TRUE(tail.at("truncated").is_bool() && tail.at("first_line_cut").is_bool()) << where;
  EXPECT_LE(tail.at("first_line_cut").get_bool(), tail.at("truncated").get_bool()) << where;
}

// Both fields are there, or neither is.
void check_stream(const value& stream, const std::string& where) {
  if (stream.is_null()) return;
  if (!has_fields(stream, where,
                  {"total_bytes", "passed_bytes", "complete", "write_error", "holders", "all_holders_known", "tail"})) {
    return;
  }
  EXPECT_LE(stream.at("passed_bytes").to_number<std::uint64_t>(), stream.at("total_bytes").to_number<std::uint64_t>());
  ASSERT_TRUE(stream.at("complete").is_bool()) << where;
  EXPECT_TRUE(stream.at("write_error").is_null() || stream.at("write_error").is_string()) << where;
  const bool is_held = !stream.at("complete").get_bool() && stream.at("write_error").is_null();
  EXPECT_EQ(stream.at("holders").is_array(), is_held) << where;
  EXPECT_EQ(stream.at("holders").is_null(), !is_held) << where;
  EXPECT_EQ(stream.at("all_holders_known").is_bool(), is_held) << where;
  EXPECT_EQ(stream.at("all_holders_known").is_null(), !is_held) << where;
  check_processes(stream.at("holders"));
  check_tail(stream.at("tail"), where);
}

void check_report(const value& report) {
  if (!has_fields(report, "report",
                  {"name", "pid", "containment", "status", "error", "timed_out", "ended_by", "cause", "forced",
                   "survivors", "ready", "stdout", "stderr", "elapsed_ms", "attempts"})) {
    return;
  }
  EXPECT_TRUE(report.at("name").is_string());
  expect_pid(report.at("pid"), "report");
  EXPECT_EQ(text_of(report.at("containment")), "group");
  check_status(report.at("status"));
  EXPECT_TRUE(report.at("error").is_null() || report.at("error").is_string());
  EXPECT_TRUE(report.at("timed_out").is_bool());
  if (!report.at("ended_by").is_null()) expect_phase(report.at("ended_by"), "ended_by");
  if (!report.at("cause").is_null()) {
    EXPECT_THAT(text_of(report.at("cause")), AnyOf("natural", "by_us", "by_another", "unknown"));
  }
  EXPECT_EQ(report.at("cause").is_null(), report.at("ended_by").is_null());
  EXPECT_TRUE(report.at("forced").is_bool());
  check_processes(report.at("survivors"));
  EXPECT_THAT(text_or_dash(report.at("ready")), AnyOf("-", "ready", "timed_out", "ended"));
  EXPECT_EQ(report.at("stdout").is_null(), report.at("stderr").is_null());
  check_stream(report.at("stdout"), "stdout");
  check_stream(report.at("stderr"), "stderr");
  expect_milliseconds(report.at("elapsed_ms"), "report");
  if (::testing::Test::HasFailure()) return;
  check_attempts(report.at("attempts"), report.at("elapsed_ms").get_int64());
}

}  // namespace

object parse_report(const std::string& text) {
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "not one line: " << text;
  boost::system::error_code error;
  const value report = json_ns::parse(text, error);
  EXPECT_FALSE(error) << error.message() << ": " << text;
  check_report(report);
  return report.is_object() ? report.get_object() : object();
}

std::vector<std::string> steps(const object& report) {
  std::vector<std::string> steps;
  for (const value& attempt : report.at("attempts").as_array()) {
    std::string step = text_of(attempt.at("phase"));
    for (const char* field : {"operation", "signal", "target", "result"}) {
      step += " " + text_or_dash(attempt.at(field));
    }
    steps.push_back(step);
  }
  return steps;
}

std::vector<std::string> sent(const object& report) {
  std::vector<std::string> sent;
  for (const value& attempt : report.at("attempts").as_array()) {
    if (text_of(attempt.at("operation")) != "send_signal") continue;
    if (text_of(attempt.at("signal")) == "SIGCONT") continue;
    sent.push_back(text_of(attempt.at("signal")) + " " + text_of(attempt.at("target")));
  }
  return sent;
}

value json(const std::string& text) { return json_ns::parse(text); }

}  // namespace warden::test_support

#include "test/fake/simulated_child.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace warden::internal {
namespace {

absl::string_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string name_of(std::error_code error) {
  if (error == Errc::kStillRunning) return "kStillRunning";
  if (error == Errc::kSurvivors) return "kSurvivors";
  if (error == Errc::kGroupUnknown) return "kGroupUnknown";
  if (error == Errc::kNotReapable) return "kNotReapable";
  if (error == Errc::kStatusUnknown) return "kStatusUnknown";
  if (error.category() == std::generic_category()) return strerrorname_np(error.value());
  return absl::StrCat(error.category().name(), ":", error.value());
}

std::string line_of(const Attempt& attempt) {
  std::string line =
      absl::StrCat("@", absl::FormatDuration(attempt.started), " ", view(to_string(attempt.phase)), " ",
                   view(to_string(attempt.operation)), " ", attempt.signal ? attempt.signal->name() : "-", " ",
                   attempt.target ? view(to_string(*attempt.target)) : "-", ": ", view(to_string(attempt.result)));
  if (attempt.error) absl::StrAppend(&line, " ", name_of(attempt.error));
  if (attempt.elapsed != kZero) absl::StrAppend(&line, " +", absl::FormatDuration(attempt.elapsed));
  if (!attempt.detail.empty()) absl::StrAppend(&line, " [", attempt.detail, "]");
  return line;
}

std::vector<std::string> lines_of(const AttemptLog& log) {
  std::vector<std::string> lines;
  for (const Attempt& attempt : log) lines.push_back(line_of(attempt));
  return lines;
}

LogCapture::LogCapture() { set_log_sink(&LogCapture::sink, this); }
LogCapture::~LogCapture() { set_log_sink(nullptr, nullptr); }

void LogCapture::sink(const LogRecord& record, void* context) {
  const char* severity = record.severity == LogSeverity::kError     ? "ERROR "
                         : record.severity == LogSeverity::kWarning ? "WARN "
                                                                    : "DEBUG ";
  static_cast<LogCapture*>(context)->messages_.push_back(
      absl::StrCat(severity, view(record.process_name), ": ", view(record.event), " | ", view(record.error)));
}

void SimulatedChild::TearDown() { EXPECT_THAT(sys_.violations(), ::testing::IsEmpty()); }

void SimulatedChild::begin(Kernel kernel, bool leads_group, bool has_pidfd) {
  sys_.pidfd_group_signals = kernel == Kernel::kNew;
  const Lock lock(child_);
  const ChildId id{FakeSys::kLeaderPid, has_pidfd ? FakeSys::kLeaderPidfd : -1};
  if (!leads_group) sys_.leader().group = 900;
  child_.begin(lock, id, leads_group);
  sys_.play_reaper_of(child_);
}

void SimulatedChild::open_stdin() {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  stdin_reader_.reset(ends[0]);
  child_.set_stdin(UniqueFd(ends[1]));
}

bool SimulatedChild::stdin_is_open() {
  char byte = 0;
  return ::read(stdin_reader_.get(), &byte, 1) != 0;  // 0 is the end of file
}

TerminationResult SimulatedChild::terminate(const TerminationPolicy& policy) {
  Lock lock(child_);
  return terminate_child(child_, lock, policy);
}

TerminationReport SimulatedChild::report_of(const TerminationPolicy& policy) {
  TerminationResult result = terminate(policy);
  if (!result) ADD_FAILURE() << result.error();
  return result.value();
}

TerminationError SimulatedChild::error_of(const TerminationPolicy& policy) {
  TerminationResult result = terminate(policy);
  if (result) ADD_FAILURE() << "a success, with the log\n" << result.value().attempts;
  return result.error();
}

Leader::Stage SimulatedChild::phase() {
  const Lock lock(child_);
  return child_.leader().stage(lock);
}

bool SimulatedChild::is_end_seen() {
  const Lock lock(child_);
  return child_.is_end_seen(lock);
}

}  // namespace warden::internal

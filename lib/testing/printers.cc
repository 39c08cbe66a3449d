#include "warden/testing/printers.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"

namespace warden {
namespace {

using ::testing::PrintToString;

constexpr std::size_t kMostBytes = 1024;

std::string number_or(const std::optional<std::uint32_t>& number, const char* otherwise) {
  return number.has_value() ? std::to_string(*number) : otherwise;
}

// A string literal that a person can read, of one line. GoogleTest's own would show text with more than ASCII a second
// time, with its newlines and C1 as they are.
std::string literal(std::string_view text) {
  const std::string escaped = absl::Utf8SafeCHexEscape(absl::string_view(text.data(), text.size()));
  return absl::StrCat("\"", internal::printable(escaped), "\"");
}

}  // namespace

void PrintTo(Errc code, std::ostream* out) { *out << make_error_code(code).message(); }

void PrintTo(const ResourceUsage& usage, std::ostream* out) {
  *out << "user " << absl::FormatDuration(usage.user_time) << ", system " << absl::FormatDuration(usage.system_time)
       << ", " << usage.max_rss_kib << " KiB";
}

void PrintTo(const AdoptOptions& options, std::ostream* out) { *out << "name " << literal(options.name); }

void PrintTo(const Stdio& stdio, std::ostream* out) {
  *out << stdio.kind();
  if (stdio.kind() == Stdio::Kind::kFd) *out << ' ' << stdio.descriptor();
  if (stdio.kind() == Stdio::Kind::kFile) *out << ' ' << literal(stdio.path());
}

void PrintTo(const ResourceLimit& limit, std::ostream* out) {
  const auto value = [](std::uint64_t number) {
    return number == ResourceLimit::kUnlimited ? "unlimited" : std::to_string(number);
  };
  *out << "resource " << limit.resource << ": soft " << value(limit.soft) << ", hard " << value(limit.hard);
}

void PrintTo(const Credentials& credentials, std::ostream* out) {
  *out << "uid " << number_or(credentials.uid, "unchanged") << ", gid " << number_or(credentials.gid, "unchanged")
       << ", groups " << PrintToString(credentials.groups);
}

void PrintTo(const InheritedFd& fd, std::ostream* out) { *out << fd.source << " as " << fd.target; }

void PrintTo(const Command& command, std::ostream* out) {
  *out << "command '" << internal::printable(command.display_name()) << "' with " << command.arguments().size()
       << " arguments";
}

void PrintTo(const CaptureOptions& options, std::ostream* out) {
  *out << "the " << PrintToString(options.keep) << ' ';
  if (options.limit == CaptureOptions::kUnbounded) {
    *out << "(all) bytes";
  } else {
    *out << options.limit << " bytes";
  }
}

void PrintTo(const Output& output, std::ostream* out) {
  const std::string text = output.text();
  const std::size_t from = text.size() - std::min(text.size(), kMostBytes);
  *out << (from > 0 ? "... " : "") << literal(text.substr(from)) << " (" << output.total_bytes() << " bytes in all"
       << (output.truncated() ? ", truncated)" : ")");
}

void PrintTo(const Line& line, std::ostream* out) {
  *out << literal(line.text) << (line.truncated ? " (truncated)" : "");
}

void PrintTo(const RunOptions& options, std::ostream* out) {
  *out << "timeout " << options.timeout << ", policy: " << options.policy;
}

void PrintTo(const StdinReport& report, std::ostream* out) {
  *out << report.written << " bytes written";
  if (report.stopped.has_value()) *out << "; " << *report.stopped;
  if (report.read_error) *out << "; " << report.read_error.message();
}

void PrintTo(const RunResult& result, std::ostream* out) {
  *out << "process '" << internal::printable(result.process_name) << "': ";
  if (result.termination.has_value()) *out << "timed out after " << absl::FormatDuration(result.timeout) << ", then ";
  *out << result.status << "; stdout: " << PrintToString(result.stdout_output)
       << "; stderr: " << PrintToString(result.stderr_output);
  if (result.termination.has_value()) *out << "; termination: " << *result.termination;
}

void PrintTo(const AbandonedChild& abandoned, std::ostream* out) {
  *out << "abandoned child '" << internal::printable(abandoned.process_name) << "' (pid " << abandoned.pid << ") "
       << abandoned.error;
}

void PrintTo(const LogRecord& record, std::ostream* out) {
  *out << record.severity;
  *out << ": '" << internal::printable(record.process_name) << "': " << record.event << ' ' << record.error;
}

void PrintTo(const Child& child, std::ostream* out) {
  *out << "child '" << internal::printable(child.name()) << "' (pid " << child.pid() << "): " << child.state();
}

}  // namespace warden

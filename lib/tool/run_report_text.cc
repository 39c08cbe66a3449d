#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/printable.h"
#include "lib/tool/run_report.h"

namespace warden::tool {
namespace {

// Of Survivor or PipeHolder.
template <typename Process>
std::string describe(const std::vector<Process>& processes) {
  return absl::StrJoin(processes, ", ", [](std::string* out, const Process& process) {
    absl::StrAppend(out, process.pid, " (", internal::printable(process.program), ")");
  });
}

void add_tail(const char* name, const TailLines& tail, std::string* text) {
  absl::StrAppend(text, "last lines of ", name, tail.lines.empty() ? ": none" : ":",
                  tail.truncated ? " (truncated by --capture-limit)" : "", "\n");
  bool cut = tail.first_line_cut;
  for (const std::string& line : tail.lines) {
    absl::StrAppend(text, "| ", cut ? "..." : "", internal::printable_lines(line), "\n");
    cut = false;
  }
}

// As StreamDrain says it.
std::string describe_holders(const internal::PipeHolders& held_by) {
  if (held_by.holders.empty()) return "processes that cannot be seen";
  return describe(held_by.holders) + (held_by.all_known ? "" : " and maybe others");
}

void add_stream(const char* name, const StreamOutput& stream, std::string* text) {
  if (stream.is_held()) {
    absl::StrAppend(text, name, " is still held by ", describe_holders(stream.held_by),
                    "; nothing more is passed on\n");
  }
  if (stream.write_error) {
    absl::StrAppend(text, name, " could not be passed on: ", stream.write_error.message(), "\n");
  } else if (stream.was_lost()) {
    absl::StrAppend(text, name, ": ", stream.total_bytes - stream.passed_bytes,
                    " bytes were not taken by whoever reads it\n");
  }
  if (stream.tail.has_value()) add_tail(name, *stream.tail, text);
}

}  // namespace

bool RunReport::has_output_trouble() const {
  if (ready.has_value() && *ready != ReadyState::kReady) return true;
  if (!output.has_value()) return false;
  const auto is_trouble = [](const StreamOutput& stream) { return stream.is_held() || stream.was_lost(); };
  return is_trouble(output->stdout_stream) || is_trouble(output->stderr_stream);
}

std::string to_text(const RunReport& report) {
  std::string text = absl::StrCat("warden: '", internal::printable(report.name), "' (pid ", report.pid, ") ");
  if (report.timed_out) absl::StrAppend(&text, "timed out; ");
  if (report.ready == ReadyState::kNeverReady) absl::StrAppend(&text, "never became ready; ");
  if (report.ready == ReadyState::kEnded) absl::StrAppend(&text, "ended before it was ready; ");
  if (report.received.has_value()) absl::StrAppend(&text, report.received->name(), " received; ");
  if (report.status.has_value()) absl::StrAppend(&text, report.status->to_string());
  if (!report.error.empty()) {
    absl::StrAppend(&text, report.status.has_value() ? "; its group was not ended: " : "not ended: ", report.error);
  }
  if (report.ended_by.has_value()) {
    const std::string_view phase = to_string(*report.ended_by);
    absl::StrAppend(&text, "; ended by ", absl::string_view(phase.data(), phase.size()),
                    report.forced ? ", forced" : "");
  }
  absl::StrAppend(&text, "; after ", absl::FormatDuration(absl::Trunc(report.elapsed, absl::Milliseconds(1))), "\n");
  if (report.survivors.has_value() && !report.survivors->empty()) {
    absl::StrAppend(
        &text, report.error.empty() ? "outlived the leader: " : "still there: ", describe(*report.survivors), "\n");
  }
  if (!report.attempts.empty()) absl::StrAppend(&text, report.attempts.to_string(), "\n");
  if (report.output.has_value()) {
    add_stream("stdout", report.output->stdout_stream, &text);
    add_stream("stderr", report.output->stderr_stream, &text);
  }
  return text;
}

}  // namespace warden::tool

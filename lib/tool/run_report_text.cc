#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/tool/run_report.h"

namespace warden::tool {
namespace {

std::string describe_survivors(const std::vector<Survivor>& survivors) {
  return absl::StrJoin(survivors, ", ", [](std::string* out, const Survivor& survivor) {
    absl::StrAppend(out, survivor.pid, " (", survivor.program, ")");
  });
}

}  // namespace

std::string to_text(const RunReport& report) {
  std::string text = absl::StrCat("warden: '", report.name, "' (pid ", report.pid, ") ");
  if (report.timed_out) absl::StrAppend(&text, "timed out; ");
  if (report.received.has_value()) absl::StrAppend(&text, report.received->name(), " received; ");
  absl::StrAppend(&text,
                  report.status.has_value() ? report.status->to_string() : absl::StrCat("not ended: ", report.error));
  if (report.ended_by.has_value()) {
    const std::string_view phase = to_string(*report.ended_by);
    absl::StrAppend(&text, "; ended by ", absl::string_view(phase.data(), phase.size()),
                    report.forced ? ", forced" : "");
  }
  absl::StrAppend(&text, "; after ", absl::FormatDuration(absl::Trunc(report.elapsed, absl::Milliseconds(1))), "\n");
  if (report.survivors.has_value() && !report.survivors->empty()) {
    absl::StrAppend(&text, report.status.has_value() ? "outlived the leader: " : "still there: ",
                    describe_survivors(*report.survivors), "\n");
  }
  if (!report.attempts.empty()) absl::StrAppend(&text, report.attempts.to_string(), "\n");
  return text;
}

}  // namespace warden::tool

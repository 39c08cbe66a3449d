#include <string.h>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
#include "lib/tool/run_report.h"

namespace warden::tool {
namespace {

namespace json = boost::json;

// JSON is UTF-8, and the names of programs may be any bytes: each byte that begins no character becomes U+FFFD.
json::string text_of(std::string_view text) {
  json::string valid;
  while (!text.empty()) {
    const std::size_t length = internal::character_length(text);
    if (length == 0) {
      valid.append("\xEF\xBF\xBD");
    } else {
      valid.append(json::string_view(text.data(), length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

// The serializer escapes C0 alone. DEL and C1, which can command a terminal, stand only in its strings.
std::string without_controls(const std::string& text) {
  std::string escaped;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (text[i] == '\x7f') {
      escaped += "\\u007f";
    } else if (text[i] == '\xc2' && next < 0xa0) {
      absl::StrAppend(&escaped, "\\u00", absl::Hex(next));
      ++i;
    } else {
      escaped += text[i];
    }
  }
  return escaped;
}

json::value milliseconds(absl::Duration duration) { return absl::ToInt64Milliseconds(duration); }

json::value status_of(const std::optional<ExitStatus>& status) {
  if (!status.has_value()) return nullptr;
  json::object object;
  object["kind"] = status->kind() == ExitStatus::Kind::kExited     ? "exited"
                   : status->kind() == ExitStatus::Kind::kSignaled ? "signaled"
                                                                   : "lost";
  object["code"] = nullptr;
  if (status->exit_code().has_value()) object["code"] = *status->exit_code();
  object["signal"] = nullptr;
  if (status->signal().has_value()) object["signal"] = text_of(status->signal()->name());
  object["core_dumped"] = status->core_dumped();
  return object;
}

json::value attempt_of(const Attempt& attempt) {
  json::object object;
  object["phase"] = text_of(to_string(attempt.phase));
  object["operation"] = text_of(to_string(attempt.operation));
  object["signal"] = nullptr;
  if (attempt.signal.has_value()) object["signal"] = text_of(attempt.signal->name());
  object["target"] = nullptr;
  if (attempt.target.has_value()) object["target"] = text_of(to_string(*attempt.target));
  object["started_ms"] = milliseconds(attempt.started);
  object["elapsed_ms"] = milliseconds(attempt.elapsed);
  object["result"] = text_of(to_string(attempt.result));
  // Only an error of the system has an errno; that a time is up or a group not empty is our own finding.
  const bool has_errno =
      attempt.result == AttemptResult::kFailed && attempt.error.category() == std::generic_category();
  object["errno"] = nullptr;
  object["errno_name"] = nullptr;
  if (has_errno) {
    object["errno"] = attempt.error.value();
    const char* name = strerrorname_np(attempt.error.value());
    if (name != nullptr) object["errno_name"] = name;
  }
  return object;
}

// Of Survivor or PipeHolder.
template <typename Process>
json::array processes_of(const std::vector<Process>& processes) {
  json::array array;
  for (const Process& process : processes) {
    json::object object;
    object["pid"] = process.pid;
    object["program"] = text_of(process.program);
    array.push_back(std::move(object));
  }
  return array;
}

json::value ready_of(const std::optional<ReadyState>& ready) {
  if (!ready.has_value()) return nullptr;
  switch (*ready) {
    case ReadyState::kReady:
      return "ready";
    case ReadyState::kNeverReady:
      return "timed_out";
    case ReadyState::kEnded:
      return "ended";
  }
  return nullptr;
}

json::value tail_of(const std::optional<TailLines>& tail) {
  if (!tail.has_value()) return nullptr;
  json::array lines;
  for (const std::string& line : tail->lines) lines.push_back(text_of(line));
  json::object object;
  object["lines"] = std::move(lines);
  object["truncated"] = tail->truncated;
  object["first_line_cut"] = tail->first_line_cut;
  return object;
}

json::value stream_of(const StreamOutput& stream) {
  json::object object;
  object["total_bytes"] = stream.total_bytes;
  object["passed_bytes"] = stream.passed_bytes;
  object["complete"] = stream.complete;
  object["write_error"] = nullptr;
  if (stream.write_error) object["write_error"] = text_of(stream.write_error.message());
  object["holders"] = nullptr;
  object["all_holders_known"] = nullptr;
  if (stream.is_held()) {
    object["holders"] = processes_of(stream.held_by.holders);
    object["all_holders_known"] = stream.held_by.all_known;
  }
  object["tail"] = tail_of(stream.tail);
  return object;
}

}  // namespace

std::string to_json(const RunReport& report) {
  json::object object;
  object["name"] = text_of(report.name);
  object["pid"] = report.pid;
  object["containment"] = text_of(to_string(report.containment));
  object["status"] = status_of(report.status);
  object["error"] = nullptr;
  if (!report.error.empty()) object["error"] = text_of(report.error);
  object["timed_out"] = report.timed_out;
  object["ended_by"] = nullptr;
  if (report.ended_by.has_value()) object["ended_by"] = text_of(to_string(*report.ended_by));
  object["cause"] = nullptr;
  if (report.cause.has_value()) object["cause"] = text_of(to_string(*report.cause));
  object["forced"] = report.forced;
  object["survivors"] = nullptr;
  if (report.survivors.has_value()) object["survivors"] = processes_of(*report.survivors);
  object["ready"] = ready_of(report.ready);
  object["stdout"] = nullptr;
  object["stderr"] = nullptr;
  if (report.output.has_value()) {
    object["stdout"] = stream_of(report.output->stdout_stream);
    object["stderr"] = stream_of(report.output->stderr_stream);
  }
  object["elapsed_ms"] = milliseconds(report.elapsed);
  json::array attempts;
  for (const Attempt& attempt : report.attempts) attempts.push_back(attempt_of(attempt));
  object["attempts"] = std::move(attempts);
  return without_controls(json::serialize(object)) + "\n";
}

}  // namespace warden::tool

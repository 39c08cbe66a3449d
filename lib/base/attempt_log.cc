#include "warden/attempt_log.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace warden {
namespace {

absl::string_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string_view to_string(AttemptPhase phase) {
  switch (phase) {
    case AttemptPhase::kPreflight:
      return "preflight";
    case AttemptPhase::kInterrupt:
      return "interrupt";
    case AttemptPhase::kTerminate:
      return "terminate";
    case AttemptPhase::kSignal:
      return "signal";
    case AttemptPhase::kKill:
      return "kill";
    case AttemptPhase::kSweep:
      return "sweep";
  }
  return "unknown";
}

std::string_view to_string(AttemptOperation operation) {
  switch (operation) {
    case AttemptOperation::kCheckStatus:
      return "check_status";
    case AttemptOperation::kSendSignal:
      return "send_signal";
    case AttemptOperation::kWaitForExit:
      return "wait_for_exit";
    case AttemptOperation::kSweep:
      return "sweep";
  }
  return "unknown";
}

std::string_view to_string(AttemptTarget target) {
  switch (target) {
    case AttemptTarget::kLeader:
      return "leader";
    case AttemptTarget::kGroup:
      return "group";
    case AttemptTarget::kTree:
      return "tree";
  }
  return "unknown";
}

std::string_view to_string(AttemptResult result) {
  switch (result) {
    case AttemptResult::kOk:
      return "ok";
    case AttemptResult::kTimedOut:
      return "timed_out";
    case AttemptResult::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string Attempt::to_string() const {
  const bool is_send = operation == AttemptOperation::kSendSignal;
  const bool is_wait = operation == AttemptOperation::kWaitForExit || result == AttemptResult::kTimedOut;
  std::string text = absl::StrCat(view(warden::to_string(phase)), " ", view(warden::to_string(operation)));
  if (signal.has_value()) absl::StrAppend(&text, is_send ? " " : " after ", signal->name());
  if (target.has_value()) {
    absl::StrAppend(&text, is_send ? " to " : " of ", view(warden::to_string(*target)));
  }
  absl::StrAppend(&text, ": ", view(warden::to_string(result)));
  if (is_wait && operation != AttemptOperation::kSweep) {
    absl::StrAppend(&text, " after ", absl::FormatDuration(absl::Trunc(elapsed, absl::Milliseconds(1))));
  }
  if (result == AttemptResult::kFailed && error) absl::StrAppend(&text, ": ", error.message());
  if (!detail.empty()) absl::StrAppend(&text, ": ", detail);
  return text;
}

Attempt& AttemptLog::append(Attempt attempt) { return attempts_.emplace_back(std::move(attempt)); }

std::vector<Attempt> AttemptLog::errors() const {
  std::vector<Attempt> failed;
  for (const Attempt& attempt : attempts_) {
    const bool is_grace =
        attempt.operation == AttemptOperation::kCheckStatus && attempt.result == AttemptResult::kTimedOut;
    if (attempt.result != AttemptResult::kOk && !is_grace) failed.push_back(attempt);
  }
  return failed;
}

std::string AttemptLog::to_string() const {
  std::string text;
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : "\n", "[", i + 1, "] ", attempts_[i].to_string());
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, AttemptPhase phase) { return out << to_string(phase); }
std::ostream& operator<<(std::ostream& out, AttemptOperation operation) { return out << to_string(operation); }
std::ostream& operator<<(std::ostream& out, AttemptTarget target) { return out << to_string(target); }
std::ostream& operator<<(std::ostream& out, AttemptResult result) { return out << to_string(result); }
std::ostream& operator<<(std::ostream& out, const Attempt& attempt) { return out << attempt.to_string(); }
std::ostream& operator<<(std::ostream& out, const AttemptLog& log) { return out << log.to_string(); }

}  // namespace warden

#include "warden/exit_status.h"

#include <ostream>

#include "absl/strings/str_cat.h"

namespace warden {

ExitStatus ExitStatus::exited(int code) { return ExitStatus(Kind::kExited, code, false); }

ExitStatus ExitStatus::signaled(Signal signal, bool core_dumped) {
  return ExitStatus(Kind::kSignaled, signal.number(), core_dumped);
}

ExitStatus ExitStatus::lost() { return ExitStatus(Kind::kLost, 0, false); }

std::optional<int> ExitStatus::exit_code() const {
  return kind_ == Kind::kExited ? std::optional<int>(code_) : std::nullopt;
}

std::optional<Signal> ExitStatus::signal() const {
  if (kind_ != Kind::kSignaled) return std::nullopt;
  return Signal::from_number(code_).value();
}

ExitStatus ExitStatus::with_resource_usage(const ResourceUsage& usage) const {
  ExitStatus copy = *this;
  copy.usage_ = usage;
  copy.has_usage_ = true;
  return copy;
}

std::optional<ResourceUsage> ExitStatus::resource_usage() const {
  return has_usage_ ? std::optional<ResourceUsage>(usage_) : std::nullopt;
}

std::string ExitStatus::to_string() const {
  switch (kind_) {
    case Kind::kExited:
      return absl::StrCat("exited with code ", code_);
    case Kind::kSignaled:
      return absl::StrCat("killed by ", signal()->name(), core_dumped_ ? " (core dumped)" : "");
    case Kind::kLost:
      break;
  }
  return "exit status lost";
}

std::string_view to_string(ExitStatus::Kind value) {
  switch (value) {
    case ExitStatus::Kind::kExited:
      return "exited";
    case ExitStatus::Kind::kSignaled:
      return "signaled";
    case ExitStatus::Kind::kLost:
      return "lost";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, ExitStatus::Kind value) { return out << to_string(value); }

std::ostream& operator<<(std::ostream& out, const ExitStatus& status) { return out << status.to_string(); }

}  // namespace warden

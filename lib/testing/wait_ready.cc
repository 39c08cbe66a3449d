#include "lib/testing/wait_ready.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
#include "warden/output_line.h"
#include "warden/readiness.h"

namespace warden::testing {

std::string_view to_string(Ready::Kind kind) {
  switch (kind) {
    case Ready::Kind::kAtOnce:
      return "at_once";
    case Ready::Kind::kOnLine:
      return "on_line";
    case Ready::Kind::kWhen:
      return "when";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Ready::Kind kind) { return out << to_string(kind); }

Ready Ready::on_line(std::string text, warden::OutputStream stream) {
  Ready ready;
  ready.kind = Kind::kOnLine;
  ready.text = std::move(text);
  ready.stream = stream;
  return ready;
}

Ready Ready::when(warden::ReadyPredicate predicate, warden::Timeout interval) {
  Ready ready;
  ready.kind = Kind::kWhen;
  ready.predicate = std::move(predicate);
  ready.interval = interval;
  return ready;
}

namespace internal {
namespace {

using warden::LineWait;
using warden::Readiness;

std::string not_ready(const std::string& why) { return absl::StrCat("was not ready: ", why); }

// How the child ended, if it has, for the reader who wonders why the line did not come.
std::string state_of(const warden::Child& child) {
  const warden::ProcessState state = child.state();
  if (state.status.has_value()) return absl::StrCat(" (it ", state.status->to_string(), ")");
  return "";
}

std::optional<std::string> wait_line(warden::Child& child, const SpawnOptions& options) {
  const Ready& ready = options.ready;
  const auto waited = child.wait_for_line(ready.stream, ready.text, options.ready_timeout);
  if (!waited.has_value()) return not_ready(waited.error().to_string());
  if (waited.value().matched()) return std::nullopt;
  const std::string missing = absl::StrCat("its ", std::string(warden::to_string(ready.stream)), " had no line with '",
                                           warden::internal::printable(ready.text), "' ");
  switch (waited.value().kind) {
    case LineWait::Kind::kStreamClosed:
      return not_ready(absl::StrCat(missing, "before its end", state_of(child)));
    case LineWait::Kind::kChildExited:
      return not_ready(absl::StrCat(missing, "before the child's end", state_of(child)));
    case LineWait::Kind::kReadFailed:
      return not_ready(absl::StrCat(missing, "before it could not be read: ", waited.value().read_error.message()));
    default:
      return not_ready(absl::StrCat(missing, "within ", absl::FormatDuration(options.ready_timeout.duration())));
  }
}

std::optional<std::string> wait_predicate(warden::Child& child, const SpawnOptions& options) {
  const Ready& ready = options.ready;
  const auto waited = child.wait_until_ready(ready.predicate, ready.interval, options.ready_timeout);
  if (!waited.has_value()) return not_ready(waited.error().to_string());
  if (waited.value().ready()) return std::nullopt;
  if (waited.value().kind == Readiness::Kind::kExited) return not_ready("it ended first" + state_of(child));
  return not_ready(
      absl::StrCat("the predicate did not say so within ", absl::FormatDuration(options.ready_timeout.duration())));
}

}  // namespace

std::optional<std::string> wait_ready(warden::Child& child, const SpawnOptions& options) {
  switch (options.ready.kind) {
    case Ready::Kind::kOnLine:
      return wait_line(child, options);
    case Ready::Kind::kWhen:
      return wait_predicate(child, options);
    case Ready::Kind::kAtOnce:
      break;
  }
  return std::nullopt;
}

}  // namespace internal
}  // namespace warden::testing

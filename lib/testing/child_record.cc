#include "lib/testing/child_record.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "lib/base/printable.h"
#include "lib/output/last_lines.h"

namespace warden::testing::internal {
namespace {

constexpr std::size_t kMostLines = 20;
constexpr std::size_t kMostBytes = 4096;

std::optional<warden::Output> output_of(const warden::Child& child, warden::OutputStream stream) {
  auto output = child.output(stream);
  if (!output.has_value()) return std::nullopt;
  return std::move(output).value();
}

void append_lines(const std::optional<warden::Output>& output, const char* name, std::string* text) {
  if (!output.has_value() || output->total_bytes() == 0) return;
  const std::string lines = warden::internal::last_lines(*output, kMostLines, kMostBytes);
  absl::StrAppend(text, "  ", name, ":\n  | ", absl::StrReplaceAll(lines, {{"\n", "\n  | "}}), "\n");
}

// Where the child had ended before the tear-down, the test's own attempts say more than the tear-down's look.
warden::AttemptLog attempts_of(const Sight& before, const Outcome& outcome) {
  if (before.has_ended && !before.attempts.empty()) return before.attempts;
  return outcome.has_value() ? outcome.value().attempts : outcome.error().attempts;
}

}  // namespace

ChildRecord record_of(warden::Child& child, const Sight& before, const std::optional<std::string>& problem,
                      const Outcome& outcome) {
  ChildRecord record;
  record.name = child.name();
  record.pid = child.pid();
  record.end = outcome.has_value() ? outcome.value().status.to_string() : "could not be ended";
  record.problem = problem;
  record.attempts = attempts_of(before, outcome);
  static_cast<void>(child.drain_output());
  record.out = output_of(child, warden::OutputStream::kStdout);
  record.err = output_of(child, warden::OutputStream::kStderr);
  return record;
}

std::string headline(const ChildRecord& record) {
  return absl::StrCat("child '", warden::internal::printable(record.name), "' (pid ", record.pid, "): ", record.end);
}

std::string attempts_text(const ChildRecord& record) {
  return record.attempts.empty() ? "nothing was tried to end it\n" : record.attempts.to_string() + "\n";
}

std::string last_lines_text(const ChildRecord& record) {
  std::string text;
  append_lines(record.out, "last lines of stdout", &text);
  append_lines(record.err, "last lines of stderr", &text);
  return text;
}

}  // namespace warden::testing::internal

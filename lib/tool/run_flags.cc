#include "lib/tool/run_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "lib/base/printable.h"
#include "lib/tool/exit_codes.h"
#include "warden/version.h"

namespace warden::tool {
namespace {

constexpr char kVersion[] = "warden " WARDEN_VERSION;

// The values that CLI11 does not check, as they were given.
struct RawFlags {
  std::string timeout, interrupt_timeout, terminate_timeout;
  std::vector<std::string> env;
  std::string cwd, report, report_file, tail, capture_limit, ready_timeout;
};

void check_duration(const CLI::App& run, const char* flag, const std::string& text, absl::Duration* value) {
  if (run.count(flag) == 0) return;
  absl::Duration parsed;
  if (!absl::ParseDuration(text, &parsed) || parsed < absl::ZeroDuration()) {
    throw CLI::ValidationError(
        absl::StrCat("invalid ", flag, " '", text, "': use a duration such as 250ms, 1s or 1m30s"));
  }
  *value = parsed;
}

std::pair<std::string, std::string> split_variable(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw CLI::ValidationError(absl::StrCat("invalid --env '", text, "': use --env=NAME=VALUE"));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

ReportFormat parse_report(const std::string& text) {
  static const std::map<std::string, ReportFormat> kFormats = {
      {"text", ReportFormat::kText}, {"json", ReportFormat::kJson}, {"none", ReportFormat::kNone}};
  const auto found = kFormats.find(text);
  if (found != kFormats.end()) return found->second;
  throw CLI::ValidationError(absl::StrCat("invalid --report '", text, "': use text, json or none"));
}

constexpr std::uint64_t kMaxLines = 1000 * 1000;
constexpr std::uint64_t kMaxBytes = 1024 * 1024 * 1024;

// Digits only.
bool parse_number(const std::string& text, std::uint64_t* number) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         absl::SimpleAtoi(text, number);
}

std::size_t parse_lines(const std::string& text) {
  std::uint64_t lines = 0;
  if (parse_number(text, &lines) && lines >= 1 && lines <= kMaxLines) return lines;
  throw CLI::ValidationError(absl::StrCat("invalid --tail '", text, "': use a number of lines from 1 to ", kMaxLines));
}

std::size_t parse_bytes(const std::string& text) {
  std::uint64_t unit = 1;
  std::string digits = text;
  if (absl::EndsWith(text, "K")) unit = 1024;
  if (absl::EndsWith(text, "M")) unit = 1024 * 1024;
  if (unit > 1) digits.pop_back();
  std::uint64_t number = 0;
  if (parse_number(digits, &number) && number >= 1 && number <= kMaxBytes / unit) return number * unit;
  throw CLI::ValidationError(absl::StrCat("invalid --capture-limit '", text,
                                          "': use a number of bytes such as 4096, 64K or 1M, at most 1024M"));
}

void add_flags(CLI::App* run, RawFlags* raw, RunFlags* flags) {
  run->add_option("--timeout", raw->timeout, "End the program after this time (default: never)")->type_name("DURATION");
  run->add_option("--interrupt-timeout", raw->interrupt_timeout,
                  "Time after SIGINT, or the signal that came (default: 1s)")
      ->type_name("DURATION");
  run->add_option("--terminate-timeout", raw->terminate_timeout, "Time after SIGTERM (default: 5s)")
      ->type_name("DURATION");
  run->add_option("--name", flags->name, "What reports call the program (default: PROGRAM)");
  run->add_option("--cwd", raw->cwd, "Directory that the program starts in");
  run->add_option("--env", raw->env, "Sets a variable of the program's environment; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  run->add_option("--report", raw->report, "text, json or none (default: text, when the program had to be ended)");
  run->add_option("--report-file", raw->report_file, "Where the report goes (default: stderr)");
}

void add_output_flags(CLI::App* run, RawFlags* raw, RunFlags* flags) {
  run->add_option("--tail", raw->tail, "The report has so many last lines of stdout and of stderr")->type_name("LINES");
  run->add_option("--capture-limit", raw->capture_limit, "Bytes of each stream that are kept for --tail (default: 64K)")
      ->type_name("BYTES");
  run->add_option("--ready-line", flags->ready_line, "The program is ready when a line with this text has come")
      ->type_name("TEXT");
  run->add_option("--ready-timeout", raw->ready_timeout,
                  "End the program when it is not ready after this time (default: 1m)")
      ->type_name("DURATION");
}

// Allows a flag only with the flag that it is about.
void require(const CLI::App& run, const char* flag, const char* other) {
  if (run.count(flag) > 0 && run.count(other) == 0) {
    throw CLI::ValidationError(absl::StrCat(flag, " needs ", other));
  }
}

void finish_output_flags(const CLI::App& run, const RawFlags& raw, RunFlags* flags) {
  require(run, "--capture-limit", "--tail");
  require(run, "--ready-timeout", "--ready-line");
  if (run.count("--tail") > 0) flags->tail = parse_lines(raw.tail);
  if (run.count("--capture-limit") > 0) flags->capture_limit = parse_bytes(raw.capture_limit);
  const bool has_line = !flags->ready_line.empty() && flags->ready_line.find('\n') == std::string::npos;
  if (run.count("--ready-line") > 0 && !has_line) {
    throw CLI::ValidationError(
        absl::StrCat("invalid --ready-line '", flags->ready_line, "': use a text that a line can contain"));
  }
  check_duration(run, "--ready-timeout", raw.ready_timeout, &flags->ready_timeout);
  if (flags->ready_timeout == absl::ZeroDuration()) {
    throw CLI::ValidationError(
        absl::StrCat("invalid --ready-timeout '", raw.ready_timeout, "': no program is ready at once"));
  }
}

RunFlags finish_flags(const CLI::App& run, const RawFlags& raw, RunFlags flags, std::vector<std::string> program) {
  if (program.empty()) throw CLI::ValidationError("no program: use warden run [flags] -- PROGRAM [ARG...]");
  check_duration(run, "--timeout", raw.timeout, &flags.timeout);
  check_duration(run, "--interrupt-timeout", raw.interrupt_timeout, &flags.interrupt_timeout);
  check_duration(run, "--terminate-timeout", raw.terminate_timeout, &flags.terminate_timeout);
  for (const std::string& variable : raw.env) flags.env.push_back(split_variable(variable));
  if (run.count("--cwd") > 0) flags.cwd = raw.cwd;
  if (run.count("--report") > 0) flags.report = parse_report(raw.report);
  if (run.count("--report-file") > 0) flags.report_file = raw.report_file;
  finish_output_flags(run, raw, &flags);
  flags.program = std::move(program);
  return flags;
}

// CLI11's messages may have several lines; ours have one.
std::string one_line(const std::string& text) {
  return absl::StrJoin(absl::StrSplit(text, '\n', absl::SkipWhitespace()), " ");
}

}  // namespace

ParsedFlags parse_flags(int argc, const char* const* argv) {
  CLI::App app("Starts a program, and ends it with everything that it started.", "warden");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  CLI::App* run = app.add_subcommand("run", "Runs a program: warden run [flags] -- PROGRAM [ARG...]");
  RawFlags raw;
  RunFlags flags;
  add_flags(run, &raw, &flags);
  add_output_flags(run, &raw, &flags);
  // What follows the first "--" is the program's, whatever it looks like.
  const char* const* const end = argv + argc;
  const char* const* const separator =
      std::find_if(argv + 1, end, [](const char* word) { return std::string(word) == "--"; });
  const std::vector<std::string> program(separator == end ? end : separator + 1, end);
  try {
    app.parse(static_cast<int>(separator - argv), argv);
    return {finish_flags(*run, raw, std::move(flags), program), {}, 0};
  } catch (const CLI::Success& wanted) {  // help or version
    return {std::nullopt, wanted.get_name() == "CallForVersion" ? absl::StrCat(kVersion, "\n") : app.help(), 0};
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, absl::StrCat("warden: ", internal::printable(one_line(error.what())), "\n"), kWardenFailed};
  }
}

}  // namespace warden::tool

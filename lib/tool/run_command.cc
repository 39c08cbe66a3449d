#include "lib/tool/run_command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "lib/base/printable.h"
#include "lib/tool/exit_codes.h"
#include "lib/tool/job_control.h"
#include "lib/tool/pass_through.h"
#include "lib/tool/report_file.h"
#include "lib/tool/run_report.h"
#include "lib/tool/signal_relay.h"
#include "lib/tool/supervise.h"
#include "lib/tool/terminal.h"
#include "warden/child.h"

namespace warden::tool {
namespace {

Command command_of(const RunFlags& flags, bool in_foreground) {
  Command command(flags.program.front());
  command.args(std::vector<std::string>(flags.program.begin() + 1, flags.program.end()));
  if (!flags.name.empty()) command.name(flags.name);
  if (flags.cwd.has_value()) command.cwd(*flags.cwd);
  for (const auto& [name, value] : flags.env) command.env(name, value);
  command.die_with_parent(true).foreground(in_foreground);
  return command;
}

int exit_code_of(const SpawnError& error) {
  if (error.step != SpawnError::Step::kExec && error.step != SpawnError::Step::kResolveProgram) return kWardenFailed;
  return error.code == std::errc::no_such_file_or_directory ? kNotFound : kCannotExecute;
}

int exit_code_of(const RunReport& report) {
  if (!report.status.has_value() || !report.error.empty()) return kWardenFailed;
  if (report.received.has_value()) return kSignalBase + report.received->number();
  if (report.timed_out || report.ready == ReadyState::kNeverReady) return kTimedOut;
  if (report.status->exit_code().has_value()) return *report.status->exit_code();
  if (report.status->signal().has_value()) return kSignalBase + report.status->signal()->number();
  return kWardenFailed;  // lost
}

bool wants_report(const RunFlags& flags, const RunReport& report) {
  if (flags.report == ReportFormat::kNone) return false;
  return flags.report.has_value() || flags.report_file.has_value() || report.had_escalation() ||
         report.has_output_trouble() || !report.status.has_value();
}

bool write_report(const RunFlags& flags, const RunReport& report, ReportFile* file) {
  if (!wants_report(flags, report)) return true;
  const std::string text = flags.report == ReportFormat::kJson ? to_json(report) : to_text(report);
  const int error = file->write(text);
  if (error != 0) std::fprintf(stderr, "warden: cannot write the report: %s\n", ::strerror(error));
  return error == 0;
}

// False, with a message, when the file cannot be opened.
bool open_report(const RunFlags& flags, ReportFile* file) {
  if (!flags.report_file.has_value()) {
    file->use_stderr();
    return true;
  }
  const int error = file->open(*flags.report_file);
  if (error != 0) {
    std::fprintf(stderr, "warden: invalid --report-file '%s': %s\n", internal::printable(*flags.report_file).c_str(),
                 ::strerror(error));
  }
  return error == 0;
}

// Empty when the streams do not go through the tool; null, with a message, when they should but cannot.
std::optional<std::unique_ptr<PassThrough>> open_streams(const RunFlags& flags) {
  const PassThroughOptions options = {flags.tail, flags.capture_limit, flags.ready_line};
  if (!options.wanted()) return std::nullopt;
  return PassThrough::open(options);
}

// False, with a message for each stream that the program could write and the tool could not.
bool was_passed_on(const std::optional<RunOutput>& output) {
  if (!output.has_value()) return true;
  bool passed = true;
  const auto check = [&passed](const char* name, const StreamOutput& stream) {
    if (!stream.write_error || stream.was_closed_by_reader()) return;
    std::fprintf(stderr, "warden: cannot write %s: %s\n", name, stream.write_error.message().c_str());
    passed = false;
  };
  check("stdout", output->stdout_stream);
  check("stderr", output->stderr_stream);
  return passed;
}

// A tool that inherits SIGCHLD ignored would not hear of the program's stops, nor on old kernels of its end.
void take_sigchld_by_default() {
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, nullptr);
}

}  // namespace

int run_command(const RunFlags& flags) {
  ReportFile report_file;
  if (!open_report(flags, &report_file)) return kWardenFailed;
  take_sigchld_by_default();
  const BlockedSignals blocked(has_terminal());
  const auto started = std::chrono::steady_clock::now();
  const bool in_foreground = owns_terminal();
  Command command = command_of(flags, in_foreground);
  const auto opened = open_streams(flags);
  PassThrough* const streams = opened.has_value() ? opened->get() : nullptr;
  if (opened.has_value() && streams == nullptr) return kWardenFailed;
  if (streams != nullptr) streams->direct_to_it(&command);
  auto spawned = Child::spawn(command);
  if (!spawned.has_value()) {
    if (in_foreground) take_terminal_back();
    std::fprintf(stderr, "warden: %s\n", spawned.error().to_string().c_str());
    return exit_code_of(spawned.error());
  }
  if (streams != nullptr) streams->close_write_ends();
  Child& child = spawned.value();
  JobControl job(child, in_foreground);
  RunReport report = supervise(child, flags, blocked, job, streams);
  if (!report.error.empty()) child.detach_on_destruction();  // the tool has tried, and the report says so
  job.end();
  report.elapsed = absl::FromChrono(std::chrono::steady_clock::now() - started);
  const bool passed = was_passed_on(report.output);
  const bool written = write_report(flags, report, &report_file);
  return passed && written ? exit_code_of(report) : kWardenFailed;
}

}  // namespace warden::tool

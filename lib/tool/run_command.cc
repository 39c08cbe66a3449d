#include "lib/tool/run_command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "lib/tool/exit_codes.h"
#include "lib/tool/job_control.h"
#include "lib/tool/run_report.h"
#include "lib/tool/signal_relay.h"
#include "lib/tool/terminal.h"
#include "warden/child.h"

namespace warden::tool {
namespace {

using Termination = Result<TerminationReport, TerminationError>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Command command_of(const RunFlags& flags) {
  Command command(flags.program.front());
  command.args(std::vector<std::string>(flags.program.begin() + 1, flags.program.end()));
  if (!flags.name.empty()) command.name(flags.name);
  if (flags.cwd.has_value()) command.cwd(*flags.cwd);
  for (const auto& [name, value] : flags.env) command.env(name, value);
  command.die_with_parent(true).foreground(owns_terminal());
  return command;
}

// The ladder, beginning with the signal that the tool received. SIGTERM is not sent twice.
TerminationPolicy policy_from(Signal first, const RunFlags& flags) {
  if (first == Signal::terminate()) return TerminationPolicy::service(flags.terminate_timeout);
  TerminationPolicy policy = TerminationPolicy::interrupt_first(flags.interrupt_timeout, flags.terminate_timeout);
  policy.phases.front().signal = first;
  return policy;
}

int exit_code_of(const SpawnError& error) {
  if (error.step != SpawnStep::kExec && error.step != SpawnStep::kResolveProgram) return kWardenFailed;
  return error.code == std::errc::no_such_file_or_directory ? kNotFound : kCannotExecute;
}

int exit_code_of(const RunReport& report) {
  if (!report.status.has_value()) return kWardenFailed;
  if (report.received.has_value()) return kSignalBase + report.received->number();
  if (report.timed_out) return kTimedOut;
  if (report.status->exit_code().has_value()) return *report.status->exit_code();
  if (report.status->signal().has_value()) return kSignalBase + report.status->signal()->number();
  return kWardenFailed;  // lost
}

void add_termination(const Termination& termination, RunReport* report) {
  if (!termination.has_value()) {
    report->error = termination.error().code().message();
    for (const StuckProcess& process : termination.error().stuck()) report->error += "; " + process.to_string();
    report->attempts = termination.error().attempts();
    report->survivors = termination.error().survivors();
    return;
  }
  const TerminationReport& ended = termination.value();
  const bool had_ended = ended.ended_by == AttemptPhase::kPreflight;
  // Another one ended it, and tells how.
  if (had_ended && report->status.has_value() && report->had_escalation()) return;
  report->status = ended.status;
  report->forced = ended.forced;
  report->survivors = ended.survivors;
  report->attempts = ended.attempts;
  // It had ended by itself before anything was sent.
  if (had_ended) return;
  report->ended_by = ended.ended_by;
  report->cause = ended.cause;
}

// Waits for the end, by the program itself, by the timeout or by a signal to the tool.
RunReport supervise(Child& child, const RunFlags& flags, const BlockedSignals& blocked, JobControl& job) {
  RunReport report;
  report.name = std::string(child.name());
  report.pid = child.pid();
  std::optional<Termination> by_signal, by_second_signal;
  SignalRelay relay(
      blocked, [&](Signal first) { by_signal = child.terminate_with_report(policy_from(first, flags)); },
      [&](Signal) {
        // It may be there before the first has begun, which then finds nothing left to end.
        const bool is_over = by_second_signal.has_value() && by_second_signal->has_value();
        if (!is_over) by_second_signal = child.terminate_with_report(TerminationPolicy::immediate());
      },
      [&](int signal) { job.handle(signal); });
  const auto waited = child.wait_for(flags.timeout);
  std::optional<Termination> by_timeout;
  if (waited.has_value() && waited.value().has_value()) {
    report.status = *waited.value();
  } else {  // the time is up, or the wait itself failed
    by_timeout = child.terminate_with_report(policy_from(Signal::interrupt(), flags));
  }
  report.received = relay.stop();
  if (by_timeout.has_value()) add_termination(*by_timeout, &report);
  if (by_signal.has_value()) add_termination(*by_signal, &report);
  if (by_second_signal.has_value()) add_termination(*by_second_signal, &report);
  report.timed_out =
      by_timeout.has_value() && !by_signal.has_value() && (report.ended_by.has_value() || !report.status);
  return report;
}

bool wants_report(const RunFlags& flags, const RunReport& report) {
  if (flags.report == ReportFormat::kNone) return false;
  return flags.report.has_value() || flags.report_file.has_value() || report.had_escalation() ||
         !report.status.has_value();
}

bool write_report(const RunFlags& flags, const RunReport& report, std::FILE* file) {
  if (!wants_report(flags, report)) return true;
  const std::string text = flags.report == ReportFormat::kJson ? to_json(report) : to_text(report);
  if (std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0) return true;
  std::fprintf(stderr, "warden: cannot write the report: %s\n", ::strerror(errno));
  return false;
}

// Null, with a message, when the file cannot be had.
File open_report(const RunFlags& flags) {
  if (!flags.report_file.has_value()) return File(stderr, [](std::FILE*) { return 0; });
  File file(std::fopen(flags.report_file->c_str(), "we"), std::fclose);
  if (file == nullptr) {
    std::fprintf(stderr, "warden: invalid --report-file '%s': %s\n", flags.report_file->c_str(), ::strerror(errno));
  }
  return file;
}

}  // namespace

int run_command(const RunFlags& flags) {
  const File report_file = open_report(flags);
  if (report_file == nullptr) return kWardenFailed;
  // A parent that ignores it would keep the kernel from telling of the program's stops, and on old kernels of its end.
  struct sigaction by_default = {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &by_default, nullptr);
  const BlockedSignals blocked(has_terminal());
  const auto started = std::chrono::steady_clock::now();
  const Command command = command_of(flags);
  auto spawned = Child::spawn(command);
  if (!spawned.has_value()) {
    if (command.options().foreground) take_terminal_back();
    std::fprintf(stderr, "warden: %s\n", spawned.error().to_string().c_str());
    return exit_code_of(spawned.error());
  }
  Child& child = spawned.value();
  JobControl job(child, command.options().foreground);
  RunReport report = supervise(child, flags, blocked, job);
  if (!report.status.has_value()) child.must_not_be_terminated();  // it was tried, and the report says so
  if (job.lent()) take_terminal_back();
  report.elapsed = absl::FromChrono(std::chrono::steady_clock::now() - started);
  const bool written = write_report(flags, report, report_file.get());
  return written ? exit_code_of(report) : kWardenFailed;
}

}  // namespace warden::tool

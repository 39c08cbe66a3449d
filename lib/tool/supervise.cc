#include "lib/tool/supervise.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "warden/output_drain.h"

namespace warden::tool {
namespace {

using Termination = Result<TerminationReport, TerminationError>;
using Clock = std::chrono::steady_clock;

// The steps of the escalation, beginning with the signal that the tool received. Sends no second SIGTERM.
TerminationPolicy policy_from(Signal first, const RunFlags& flags) {
  if (first == Signal::terminate()) return TerminationPolicy::service(flags.terminate_timeout);
  TerminationPolicy policy = TerminationPolicy::interrupt_first(flags.interrupt_timeout, flags.terminate_timeout);
  policy.phases.front().signal = first;
  return policy;
}

void add_termination(const Termination& termination, RunReport* report) {
  if (!termination.has_value()) {
    report->error = termination.error().code.message();
    for (const StuckProcess& process : termination.error().stuck) report->error += "; " + process.to_string();
    report->attempts = termination.error().attempts;
    report->survivors = termination.error().survivors;
    return;
  }
  report->error.clear();  // of a termination that failed before
  const TerminationReport& ended = termination.value();
  const bool had_ended = ended.ended_by == AttemptPhase::kPreflight;
  // Another termination ended the program, and its report says how.
  if (had_ended && report->status.has_value() && report->had_escalation()) return;
  report->status = ended.status;
  report->forced = ended.forced;
  report->survivors = ended.survivors;
  report->attempts = ended.attempts;
  // The program had ended by itself before a signal was sent.
  if (had_ended) return;
  report->ended_by = ended.ended_by;
  report->cause = ended.cause;
}

// The result of the wait: a status, or none when a time was up or the wait itself failed.
struct Waited {
  std::optional<ExitStatus> status;
  bool never_ready = false;
};

std::optional<ExitStatus> wait_for(Child& child, absl::Duration time) {
  const auto waited = child.wait_for(std::max(time, absl::ZeroDuration()));
  return waited.has_value() ? waited.value() : std::nullopt;
}

// Only looks whether the program is ready when the time for that is up, not when it becomes so.
Waited wait_for_end(Child& child, const RunFlags& flags, const PassThrough* streams) {
  if (flags.ready_line.empty() || flags.ready_timeout >= flags.timeout) return {wait_for(child, flags.timeout), false};
  const auto started = Clock::now();
  const auto status = wait_for(child, flags.ready_timeout);
  if (status.has_value()) return {status, false};
  if (!streams->is_ready()) return {std::nullopt, true};
  return {wait_for(child, flags.timeout - absl::FromChrono(Clock::now() - started)), false};
}

// The ends that the tool brings about. Once the tool wants to end, the readers of its streams have kDefaultDrainTimeout
// for what the program wrote last.
class Endings {
 public:
  Endings(Child& child, const RunFlags& flags, PassThrough* streams)
      : child_(child), flags_(flags), streams_(streams) {}

  void first_signal(Signal signal) {
    by_signal_ = child_.terminate_with_report(policy_from(signal, flags_));
    if (by_signal_->has_value()) limit_reader();  // else the program may live, and write
  }

  void second_signal() {
    // It may come before the first has begun, which then finds nothing left to end.
    const bool is_over = by_second_signal_.has_value() && by_second_signal_->has_value();
    if (is_over) return;
    by_second_signal_ = child_.terminate_with_report(TerminationPolicy::immediate());
    if (by_second_signal_->has_value()) limit_reader();
  }

  void time_up() {
    by_timeout_ = child_.terminate_with_report(policy_from(Signal::interrupt(), flags_));
    limit_reader();
  }

  // To be called when no signal can come any more.
  void add_to(RunReport* report) const {
    if (by_timeout_.has_value()) add_termination(*by_timeout_, report);
    if (by_signal_.has_value()) add_termination(*by_signal_, report);
    if (by_second_signal_.has_value()) add_termination(*by_second_signal_, report);
  }

  // Whether a timeout has ended the program, and neither a signal nor the program itself. To be called after add_to().
  bool were_by_timeout(const RunReport& report) const {
    return by_timeout_.has_value() && !by_signal_.has_value() && (report.ended_by.has_value() || !report.status);
  }

 private:
  void limit_reader() {
    if (streams_ != nullptr) streams_->give_up_after(kDefaultDrainTimeout.duration());
  }

  Child& child_;
  const RunFlags& flags_;
  PassThrough* streams_;
  std::optional<Termination> by_timeout_, by_signal_, by_second_signal_;
};

ReadyState ready_state(bool by_ready_timeout, const PassThrough& streams) {
  if (by_ready_timeout) return ReadyState::kNeverReady;
  return streams.is_ready() ? ReadyState::kReady : ReadyState::kEnded;
}

// After the program has ended by itself: gives a slow reader the rest of --timeout, as the program would have had it.
void limit_reader_by_timeout(const RunFlags& flags, Clock::time_point started, PassThrough* streams) {
  if (flags.timeout == absl::InfiniteDuration()) return;
  const absl::Duration left = flags.timeout - absl::FromChrono(Clock::now() - started);
  streams->give_up_after(std::max(left, kDefaultDrainTimeout.duration()));
}

}  // namespace

RunReport supervise(Child& child, const RunFlags& flags, const BlockedSignals& blocked, JobControl& job,
                    PassThrough* streams) {
  RunReport report;
  report.name = std::string(child.name());
  report.pid = child.pid();
  report.containment = child.containment();
  const auto started = Clock::now();
  Endings endings(child, flags, streams);
  SignalRelay relay(
      blocked, [&](Signal first) { endings.first_signal(first); }, [&](Signal) { endings.second_signal(); },
      [&](int signal) { job.handle(signal); });
  const Waited waited = wait_for_end(child, flags, streams);
  report.status = waited.status;
  if (!waited.status.has_value()) endings.time_up();
  if (streams != nullptr) {
    relay.wait_first();  // that may end a process that still holds a stream
    job.end();           // from now on the terminal's signals are meant for the tool
    limit_reader_by_timeout(flags, started, streams);
    report.output = streams->finish(kDefaultDrainTimeout.duration());
  }
  report.received = relay.stop();
  endings.add_to(&report);
  const bool by_timeout = endings.were_by_timeout(report);
  report.timed_out = by_timeout && !waited.never_ready;
  if (!report.status.has_value()) report.status = child.state().status;  // it has ended, and its group could not be
  if (!flags.ready_line.empty()) report.ready = ready_state(by_timeout && waited.never_ready, *streams);
  return report;
}

}  // namespace warden::tool

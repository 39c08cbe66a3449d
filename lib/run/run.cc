#include "warden/run.h"

#include <errno.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "lib/base/os_error.h"
#include "lib/child/end_of_handle.h"
#include "lib/child/handle.h"
#include "lib/child/spawn_child.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/output/drain_output.h"
#include "lib/run/run_input.h"
#include "lib/spawn/command_options.h"
#include "lib/stdin/stdin_feeder.h"
#include "lib/terminate/terminate_child.h"
#include "lib/terminate/wait_or_terminate_child.h"

namespace warden {
namespace {

using internal::Lock;
using internal::OnDestruction;
using internal::TimePoint;
using Step = RunError::Step;
using Waited = Result<WaitOrTerminateResult, WaitOrTerminateError>;

// How long a launch may take where the child has less time.
constexpr absl::Duration kLeastLaunchTime = absl::Seconds(1);

// The child of one call of run(), and what feeds it. An exception that leaves the call kills the group.
class RunningChild {
 public:
  RunningChild(std::unique_ptr<internal::Handle> handle, const Command& command, const RunOptions& options)
      : handle_(std::move(handle)), command_(command), options_(options) {
    const Lock lock(supervised());
    handle_->terminate_on_destruction(lock, TerminationPolicy::immediate());
  }
  // Ends the feeder before the child: it would go on until the child has ended.
  ~RunningChild() {
    feeder_.reset();
    internal::end_handle(*handle_);
  }
  RunningChild(const RunningChild&) = delete;
  RunningChild& operator=(const RunningChild&) = delete;

  // 0, or the errno of creating the thread.
  int feed(std::optional<std::string> text, internal::UniqueFd file);
  Result<RunResult, RunError> to_the_end();
  RunError kill_unfed(int error);

 private:
  internal::Supervised& supervised() { return *handle_->supervised; }
  TimePoint after(absl::Duration time) { return internal::deadline_after(supervised().sys().now(), time); }
  Waited wait_or_terminate();
  RunError failed(Step step) const { return {step, {}, command_.display_name()}; }
  RunError not_waited_for(WaitOrTerminateError error);
  void stop_feeding(bool was_terminated);
  template <class T>
  T with_output(Timeout drain_timeout, T ended);
  void let_go();

  const std::unique_ptr<internal::Handle> handle_;
  const Command& command_;
  const RunOptions& options_;
  std::unique_ptr<internal::StdinFeeder> feeder_;  // null when nothing is fed
  std::optional<StdinReport> stdin_report_;
};

int RunningChild::feed(std::optional<std::string> text, internal::UniqueFd file) {
  feeder_ = std::make_unique<internal::StdinFeeder>();
  return text.has_value() ? feeder_->start(handle_->supervised, *std::move(text))
                          : feeder_->start(handle_->supervised, std::move(file));
}

Waited RunningChild::wait_or_terminate() {
  Lock lock(supervised());
  return internal::wait_or_terminate_child(supervised(), lock, options_.timeout.duration(), options_.policy,
                                           /*is_fed=*/feeder_ != nullptr);
}

// Ends the feeder and makes its report, once the child has ended or cannot be ended.
void RunningChild::stop_feeding(bool was_terminated) {
  if (feeder_ == nullptr) return;
  internal::FeedReport fed = feeder_->finish(TimePoint::min());
  StdinReport& report = stdin_report_.emplace();
  report.written = fed.written;
  report.read_error = fed.source_error;
  if (fed.is_out_of_memory) report.read_error = internal::os_error(ENOMEM);
  if (fed.abandoned) report.read_error = internal::os_error(ETIMEDOUT);
  report.stopped = std::move(fed.stdin_error);
  if (!report.stopped.has_value()) return;
  report.stopped->written = static_cast<std::size_t>(fed.written);
  // The feeder closed the pipe because the child had ended.
  if (report.stopped->kind != StdinError::Kind::kClosed || was_terminated) return;
  report.stopped->kind = StdinError::Kind::kChildEnded;
  report.stopped->code = internal::os_error(EPIPE);
}

// Adds the output, after a wait of at most `drain_timeout` for its end.
template <class T>
T RunningChild::with_output(Timeout drain_timeout, T ended) {
  ended.timeout = options_.timeout.duration();
  ended.stdin_report = std::move(stdin_report_);
  if (handle_->output == nullptr) return ended;
  ended.drain = internal::drain_output(supervised().sys(), *handle_->output, after(drain_timeout.duration()));
  if (auto* const out = handle_->output->find(OutputStream::kStdout)) ended.stdout_output = out->snapshot();
  if (auto* const err = handle_->output->find(OutputStream::kStderr)) ended.stderr_output = err->snapshot();
  return ended;
}

// The destructor of the handle would only try again what has failed, and the program has made no mistake.
void RunningChild::let_go() {
  const Lock lock(supervised());
  handle_->on_destruction = OnDestruction::kDetach;
}

RunError RunningChild::not_waited_for(WaitOrTerminateError error) {
  const bool is_alive = error.termination_error.has_value();
  if (is_alive) let_go();
  stop_feeding(true);
  RunError failure = failed(is_alive ? Step::kTermination : Step::kWait);
  failure.code = make_error_code(error);
  if (error.termination.has_value()) failure.status = error.termination->status;
  failure.termination = error.termination;
  failure.wait_error = std::move(error);
  return with_output(is_alive ? Timeout(absl::ZeroDuration()) : options_.drain_timeout, std::move(failure));
}

Result<RunResult, RunError> RunningChild::to_the_end() {
  Waited waited = wait_or_terminate();
  if (waited.has_error()) return not_waited_for(std::move(waited).error());
  WaitOrTerminateResult& ended = waited.value();
  stop_feeding(ended.timed_out());
  RunResult result{command_.display_name(), ended.status};
  result.stderr_is_merged = internal::options_of(command_).stdio[2].kind() == Stdio::Kind::kMerge;
  result.termination = std::move(ended.termination);
  return with_output(options_.drain_timeout, std::move(result));
}

RunError RunningChild::kill_unfed(int error) {
  feeder_.reset();
  Lock lock(supervised());
  auto ended = internal::terminate_child(supervised(), lock, TerminationPolicy::immediate());
  handle_->on_destruction = OnDestruction::kDetach;
  lock.unlock();
  RunError failure = failed(Step::kFeed);
  failure.code = internal::os_error(error);
  if (ended.has_error()) {
    failure.termination_error = std::move(ended).error();
    return with_output(absl::ZeroDuration(), std::move(failure));
  }
  failure.status = ended.value().status;
  failure.termination = std::move(ended).value();
  return with_output(options_.drain_timeout, std::move(failure));
}

}  // namespace

Result<RunResult, RunError> run(const Command& command, RunOptions options) {
  const internal::CancellationGuard no_cancellation;
  internal::UniqueFd file;
  if (auto refused = internal::check_run_input(command, options, &file)) return *std::move(refused);
  const bool is_to_be_fed = internal::is_to_be_fed(options);
  const Command completed = internal::with_streams(command, options);
  internal::Sys& sys = internal::linux_sys();
  const absl::Duration patience = std::max(options.timeout.duration(), kLeastLaunchTime);
  auto spawned = internal::spawn_child(sys, completed, nullptr, internal::deadline_after(sys.now(), patience));
  if (!spawned) {
    RunError error{Step::kSpawn, spawned.error().code, completed.display_name(), spawned.error().invalid_argument};
    error.spawn_error = std::move(spawned).error();
    return error;
  }
  RunningChild child(std::move(spawned).value(), completed, options);
  if (is_to_be_fed) {
    if (const int error = child.feed(std::move(options.stdin_text), std::move(file))) return child.kill_unfed(error);
  }
  return child.to_the_end();
}

}  // namespace warden

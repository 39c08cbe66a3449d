#include "warden/child.h"

#include <memory>
#include <ostream>
#include <utility>

#include "lib/base/argument_check.h"
#include "lib/base/os_error.h"
#include "lib/child/call.h"
#include "lib/child/end_of_handle.h"
#include "lib/child/handle.h"
#include "lib/child/spawn_child.h"
#include "lib/child/wait_until_ready.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/stdin/write_stdin.h"
#include "lib/supervise/wait_child.h"
#include "lib/terminate/send_signal.h"
#include "lib/terminate/terminate_child.h"
#include "lib/terminate/wait_or_terminate_child.h"

namespace warden {
namespace {

using internal::Call;
using internal::check_duration;
using internal::OnDestruction;
using internal::Refusal;
using internal::refuse;
using internal::refuse_waiting;
using internal::TimePoint;

}  // namespace

std::string_view to_string(ProcessState::Kind value) {
  switch (value) {
    case ProcessState::Kind::kRunning:
      return "running";
    case ProcessState::Kind::kExited:
      return "exited";
    case ProcessState::Kind::kUncertain:
      return "uncertain";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, ProcessState::Kind value) { return out << to_string(value); }

std::ostream& operator<<(std::ostream& out, const ProcessState& state) {
  if (state.status.has_value()) return out << *state.status;
  if (state.kind == ProcessState::Kind::kRunning) return out << "running";
  return out << "uncertain: " << state.error.message();
}

Child::Child(internal::Handle* handle) : handle_(handle) {}
Child::Child(Child&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  const Child previous = std::move(*this);  // destroyed on return
  handle_ = std::exchange(other.handle_, nullptr);
  return *this;
}

Child::~Child() {
  if (handle_ == nullptr) return;
  const internal::CancellationGuard no_cancellation;  // until the handle is deleted: close(2) is a cancellation point
  const std::unique_ptr<internal::Handle> owned(handle_);
  internal::end_handle(*owned);
}

Result<Child, SpawnError> Child::spawn(const Command& command) {
  const internal::CancellationGuard no_cancellation;
  auto handle = internal::spawn_child(internal::linux_sys(), command);
  if (!handle) return std::move(handle).error();
  return Child(handle.value().release());
}

Result<Child, SpawnError> Child::adopt(int pid, const AdoptOptions& options) {
  const internal::CancellationGuard no_cancellation;
  auto handle = internal::adopt_child(internal::linux_sys(), pid, options.name);
  if (!handle) return std::move(handle).error();
  return Child(handle.value().release());
}

int Child::pid() const { return handle_ == nullptr ? -1 : handle_->supervised->pid(); }

Containment Child::containment() const {
  return handle_ == nullptr ? Containment::kGroup : handle_->supervised->scope().containment();
}

std::string_view Child::name() const { return handle_ == nullptr ? std::string_view() : handle_->supervised->name(); }

Result<ExitStatus, WaitError> Child::wait() {
  if (const Refusal refusal = refuse_waiting(handle_)) return refusal;
  Call call(*handle_);
  call.supervised.close_stdin_unless_kept(call.lock);
  auto ended = internal::wait_child(call.supervised, call.lock, TimePoint::max());
  if (!ended) return std::move(ended).error();
  return *std::move(ended).value();
}

Result<std::optional<ExitStatus>, WaitError> Child::wait_for(Timeout timeout) {
  if (const Refusal refusal = refuse(handle_, check_duration("timeout", timeout))) return refusal;
  return wait_until(internal::deadline_after(handle_->supervised->sys().now(), timeout.duration()));
}

Result<std::optional<ExitStatus>, WaitError> Child::wait_until(Deadline deadline) {
  if (const Refusal refusal = refuse(handle_)) return refusal;
  if (deadline.time() > handle_->supervised->sys().now()) {
    if (const Refusal refusal = refuse_waiting(handle_)) return refusal;
  }
  Call call(*handle_);
  return internal::wait_child(call.supervised, call.lock, deadline.time());
}

Result<WaitOrTerminateResult, WaitOrTerminateError> Child::wait_or_terminate(Timeout timeout,
                                                                             const TerminationPolicy& policy) {
  if (const Refusal refusal = refuse_waiting(handle_, check_duration("timeout", timeout))) {
    return refusal.with_timeout(timeout.duration());
  }
  if (const Refusal refusal = refuse(handle_, policy.validate())) return refusal.with_timeout(timeout.duration());
  Call call(*handle_);
  return internal::wait_or_terminate_child(call.supervised, call.lock, timeout.duration(), policy);
}

Result<Readiness, WaitError> Child::wait_until_ready(const ReadyPredicate& predicate, Timeout interval,
                                                     Timeout timeout) {
  auto invalid = internal::check_readiness_arguments(predicate, interval, timeout);
  if (const Refusal refusal = refuse_waiting(handle_, std::move(invalid))) return refusal;
  return internal::wait_until_ready(*handle_->supervised, predicate, interval.duration(), timeout.duration());
}

Result<std::optional<ExitStatus>, WaitError> Child::try_wait() { return wait_until(TimePoint::min()); }

ProcessState Child::state() const {
  ProcessState state;
  if (const Refusal refusal = refuse(handle_)) {
    state.kind = ProcessState::Kind::kUncertain;
    state.error = refusal.code();
    return state;
  }
  Call call(*handle_);
  if (call.supervised.leader().look(call.lock)) {
    state.kind = ProcessState::Kind::kExited;
    state.status = call.supervised.leader().status(call.lock);
  } else if (const int error = call.supervised.leader().look_error(call.lock)) {
    state.kind = ProcessState::Kind::kUncertain;
    state.error = internal::os_error(error);
  }
  return state;
}

Result<ExitStatus, TerminationError> Child::terminate(Timeout interrupt_timeout, Timeout terminate_timeout) {
  auto invalid = check_duration("interrupt_timeout", interrupt_timeout);
  if (!invalid.has_value()) invalid = check_duration("terminate_timeout", terminate_timeout);
  if (const Refusal refusal = refuse_waiting(handle_, std::move(invalid))) return refusal;
  return terminate(TerminationPolicy::interrupt_first(interrupt_timeout, terminate_timeout));
}

Result<ExitStatus, TerminationError> Child::terminate(const TerminationPolicy& policy) {
  auto report = terminate_with_report(policy);
  if (!report) return std::move(report).error();
  return std::move(report).value().status;
}

Result<TerminationReport, TerminationError> Child::terminate_with_report(const TerminationPolicy& policy) {
  if (const Refusal refusal = refuse_waiting(handle_, policy.validate())) return refusal;
  Call call(*handle_);
  auto report = internal::terminate_child(call.supervised, call.lock, policy);
  if (report.has_value()) call.supervised.set_told(call.lock);
  return report;
}

Result<ExitStatus, TerminationError> Child::kill() {
  if (const Refusal refusal = refuse_waiting(handle_)) return refusal;
  {
    const Call call(*handle_);
    call.supervised.close_stdin_unless_kept(call.lock);
  }
  return terminate(TerminationPolicy::immediate());
}

Result<void, TerminationError> Child::send_interrupt_signal() { return send_signal(Signal::interrupt()); }

Result<void, TerminationError> Child::send_terminate_signal() { return send_signal(Signal::terminate()); }

Result<void, TerminationError> Child::send_signal(Signal signal) {
  if (const Refusal refusal = refuse(handle_, internal::check_can_be_sent("signal", signal))) return refusal;
  Call call(*handle_);
  return internal::send_manual_signal(call.supervised, call.lock, signal);
}

AttemptLog Child::attempt_log() const {
  if (refuse(handle_)) return {};
  const Call call(*handle_);
  return call.supervised.last_log(call.lock);
}

Result<void, StdinError> Child::write_stdin(std::string_view data, Timeout timeout) {
  if (const Refusal refusal = refuse(handle_, check_duration("timeout", timeout))) return refusal;
  if (timeout == absl::InfiniteDuration()) {
    if (const Refusal refusal = refuse_waiting(handle_)) return refusal;
  }
  const TimePoint deadline = internal::deadline_after(handle_->supervised->sys().now(), timeout.duration());
  Call call(*handle_);
  return internal::write_stdin(call.supervised, call.lock, data, deadline);
}

int Child::stdin_fd() const {
  if (refuse(handle_)) return -1;
  const Call call(*handle_);
  return call.supervised.stdin_fd(call.lock);
}

void Child::close_stdin() {
  if (refuse(handle_)) return;
  const Call call(*handle_);
  call.supervised.close_stdin(call.lock);
}

void Child::kill_on_destruction() {
  if (refuse(handle_)) return;
  const Call call(*handle_);
  handle_->terminate_on_destruction(call.lock, TerminationPolicy::immediate());
}

Result<void, TerminationError> Child::terminate_on_destruction(const TerminationPolicy& policy) {
  if (const Refusal refusal = refuse(handle_, policy.validate())) return refusal;
  const Call call(*handle_);
  handle_->terminate_on_destruction(call.lock, policy);
  return outcome::success();
}

void Child::detach_on_destruction() {
  if (refuse(handle_)) return;
  const Call call(*handle_);
  handle_->on_destruction = OnDestruction::kDetach;
}

bool Child::ends_on_destruction() const {
  if (refuse(handle_)) return false;
  const Call call(*handle_);
  return handle_->ends_on_destruction(call.lock);
}

}  // namespace warden

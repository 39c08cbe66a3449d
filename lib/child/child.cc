#include "warden/child.h"

#include <ostream>

#include "lib/base/argument_check.h"
#include "lib/base/os_error.h"
#include "lib/child/drop.h"
#include "lib/child/handle.h"
#include "lib/child/handle_check.h"
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

using internal::Lock;
using internal::TimePoint;
using internal::why_unusable;
using internal::why_unusable_for_waiting;

std::string name_of(const internal::Handle* handle) {
  return handle == nullptr ? std::string() : handle->child->name();
}

TerminationError unusable_error(const internal::Handle* handle, TerminationErrorKind kind) {
  return {kind, why_unusable(handle), name_of(handle), {}};
}

TerminationError cannot_terminate(const internal::Handle* handle) {
  return {TerminationErrorKind::kTerminationFailed, why_unusable_for_waiting(handle), name_of(handle), {}};
}

WaitError cannot_wait(const internal::Handle* handle, std::error_code why) { return {why, name_of(handle)}; }

TerminationError refused(const internal::Handle& handle, const InvalidArgument& invalid) {
  TerminationError error(TerminationErrorKind::kInvalidPolicy, make_error_code(invalid), handle.child->name(), {});
  error.set_detail(invalid.to_string());
  return error;
}

void close_stdin_unless_kept(const internal::Handle& handle) {
  const internal::CancellationGuard no_cancellation;
  const Lock lock(*handle.child);
  handle.child->close_stdin_unless_kept(lock);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ProcessState& state) {
  if (state.status.has_value()) return out << *state.status;
  if (state.kind == ProcessState::Kind::kRunning) return out << "running";
  return out << "uncertain: " << state.error.message();
}

Child::Child(internal::Handle* handle) : handle_(handle) {}
Child::Child(Child&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) const Child previous(std::exchange(handle_, std::exchange(other.handle_, nullptr)));
  return *this;
}

Child::~Child() {
  if (handle_ == nullptr) return;
  const internal::CancellationGuard no_cancellation;  // over the handle's own end too: close(2) is a cancellation point
  const std::unique_ptr<internal::Handle> owned(handle_);
  internal::drop_child(*owned);
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

int Child::pid() const { return handle_ == nullptr ? -1 : handle_->child->pid(); }

std::string_view Child::name() const { return handle_ == nullptr ? std::string_view() : handle_->child->name(); }

Result<ExitStatus> Child::wait() {
  if (const auto error = why_unusable_for_waiting(handle_)) return cannot_wait(handle_, error);
  const internal::CancellationGuard no_cancellation;
  Lock lock(*handle_->child);
  handle_->child->close_stdin_unless_kept(lock);
  auto ended = internal::wait_child(*handle_->child, lock, TimePoint::max());
  if (!ended) return std::move(ended).error();
  return *std::move(ended).value();
}

Result<std::optional<ExitStatus>> Child::wait_for(absl::Duration timeout) {
  if (const auto error = why_unusable(handle_)) return cannot_wait(handle_, error);
  if (const auto invalid = internal::check_duration("timeout", timeout)) {
    return WaitError{make_error_code(*invalid), handle_->child->name(), *invalid};
  }
  return wait_until(internal::deadline_after(handle_->child->sys().now(), timeout));
}

Result<std::optional<ExitStatus>> Child::wait_until(std::chrono::steady_clock::time_point deadline) {
  if (const auto error = why_unusable(handle_)) return cannot_wait(handle_, error);
  if (deadline > handle_->child->sys().now()) {
    if (const auto error = why_unusable_for_waiting(handle_)) return cannot_wait(handle_, error);
  }
  const internal::CancellationGuard no_cancellation;
  Lock lock(*handle_->child);
  return internal::wait_child(*handle_->child, lock, deadline);
}

Result<WaitOrTerminateResult, WaitOrTerminateError> Child::wait_or_terminate(absl::Duration timeout,
                                                                             const TerminationPolicy& policy) {
  WaitOrTerminateError error{WaitOrTerminateError::Kind::kRefused, name_of(handle_), timeout};
  if (const auto why = why_unusable_for_waiting(handle_)) {
    error.wait_error = cannot_wait(handle_, why);
    return error;
  }
  if (const auto invalid = internal::check_duration("timeout", timeout)) {
    error.wait_error = WaitError{make_error_code(*invalid), error.process_name, *invalid};
    return error;
  }
  if (const auto invalid = policy.validate()) {
    error.termination_error = refused(*handle_, *invalid);
    return error;
  }
  const internal::CancellationGuard no_cancellation;
  Lock lock(*handle_->child);
  return internal::wait_or_terminate_child(*handle_->child, lock, timeout, policy);
}

Result<Readiness> Child::wait_until_ready(const ReadyPredicate& predicate, absl::Duration interval,
                                          absl::Duration timeout) {
  if (const auto error = why_unusable_for_waiting(handle_)) return cannot_wait(handle_, error);
  if (const auto invalid = internal::check_readiness_arguments(predicate, interval, timeout)) {
    return WaitError{make_error_code(*invalid), handle_->child->name(), *invalid};
  }
  return internal::wait_until_ready(*handle_->child, predicate, interval, timeout);
}

Result<std::optional<ExitStatus>> Child::try_wait() { return wait_until(TimePoint::min()); }

ProcessState Child::state() const {
  ProcessState state;
  if (const std::error_code error = why_unusable(handle_)) {
    state.kind = ProcessState::Kind::kUncertain;
    state.error = error;
    return state;
  }
  const internal::CancellationGuard no_cancellation;
  internal::Supervised& child = *handle_->child;
  Lock lock(child);
  if (child.leader().look(lock)) {
    state.kind = ProcessState::Kind::kExited;
    state.status = child.leader().status(lock);
  } else if (child.leader().look_error(lock) != 0) {
    state.kind = ProcessState::Kind::kUncertain;
    state.error = internal::os_error(child.leader().look_error(lock));
  }
  return state;
}

Result<ExitStatus, TerminationError> Child::terminate(absl::Duration interrupt_timeout,
                                                      absl::Duration terminate_timeout) {
  if (why_unusable_for_waiting(handle_)) return cannot_terminate(handle_);
  if (const auto invalid = internal::check_duration("interrupt_timeout", interrupt_timeout))
    return refused(*handle_, *invalid);
  if (const auto invalid = internal::check_duration("terminate_timeout", terminate_timeout))
    return refused(*handle_, *invalid);
  return terminate(TerminationPolicy::interrupt_first(interrupt_timeout, terminate_timeout));
}

Result<ExitStatus, TerminationError> Child::terminate(const TerminationPolicy& policy) {
  auto report = terminate_with_report(policy);
  if (!report) return std::move(report).error();
  return std::move(report).value().status;
}

Result<TerminationReport, TerminationError> Child::terminate_with_report(const TerminationPolicy& policy) {
  if (why_unusable_for_waiting(handle_)) return cannot_terminate(handle_);
  if (const auto invalid = policy.validate()) return refused(*handle_, *invalid);
  const internal::CancellationGuard no_cancellation;
  internal::Supervised& child = *handle_->child;
  Lock lock(child);
  auto report = internal::terminate_child(child, lock, policy);
  if (report.has_value()) child.set_told(lock);
  return report;
}

Result<ExitStatus, TerminationError> Child::kill() {
  if (why_unusable_for_waiting(handle_)) return cannot_terminate(handle_);
  close_stdin_unless_kept(*handle_);
  return terminate(TerminationPolicy::immediate());
}

Result<void, TerminationError> Child::send_interrupt_signal() { return send_signal(Signal::interrupt()); }

Result<void, TerminationError> Child::send_terminate_signal() { return send_signal(Signal::terminate()); }

Result<void, TerminationError> Child::send_signal(Signal signal) {
  if (why_unusable(handle_)) return unusable_error(handle_, TerminationErrorKind::kSignalFailed);
  if (const auto invalid = internal::check_can_be_sent("signal", signal)) return refused(*handle_, *invalid);
  const internal::CancellationGuard no_cancellation;
  Lock lock(*handle_->child);
  return internal::send_manual_signal(*handle_->child, lock, signal);
}

AttemptLog Child::attempt_log() const {
  if (why_unusable(handle_)) return {};
  const Lock lock(*handle_->child);
  return handle_->child->last_log(lock);
}

Result<void, StdinError> Child::write_stdin(std::string_view data, absl::Duration timeout) {
  StdinError refused_error{StdinError::Kind::kRefused, why_unusable(handle_), name_of(handle_)};
  if (refused_error.code) return refused_error;
  if (const auto invalid = internal::check_duration("timeout", timeout)) {
    refused_error.code = make_error_code(*invalid);
    refused_error.invalid_argument = *invalid;
    return refused_error;
  }
  if (timeout == absl::InfiniteDuration()) {
    refused_error.code = why_unusable_for_waiting(handle_);
    if (refused_error.code) return refused_error;
  }
  const internal::CancellationGuard no_cancellation;
  internal::Supervised& child = *handle_->child;
  const TimePoint deadline = internal::deadline_after(child.sys().now(), timeout);
  Lock lock(child);
  return internal::write_stdin(child, lock, data, deadline);
}

int Child::stdin_fd() const {
  if (why_unusable(handle_)) return -1;
  const Lock lock(*handle_->child);
  return handle_->child->stdin_fd(lock);
}

void Child::close_stdin() {
  if (why_unusable(handle_)) return;
  const internal::CancellationGuard no_cancellation;
  const Lock lock(*handle_->child);
  handle_->child->close_stdin(lock);
}

void Child::must_not_be_terminated() {
  if (why_unusable(handle_)) return;
  const Lock lock(*handle_->child);
  handle_->child->set_armed(lock, false);
}

void Child::must_be_terminated() {
  if (why_unusable(handle_)) return;
  const Lock lock(*handle_->child);
  handle_->child->set_armed(lock, true);
}

bool Child::is_armed() const {
  if (why_unusable(handle_)) return false;
  const Lock lock(*handle_->child);
  return handle_->child->armed(lock);
}

Result<void, TerminationError> Child::terminate_on_drop(const TerminationPolicy& policy) {
  if (why_unusable(handle_)) return unusable_error(handle_, TerminationErrorKind::kTerminationFailed);
  if (const auto invalid = policy.validate()) return refused(*handle_, *invalid);
  const Lock lock(*handle_->child);
  handle_->drop_policy = policy;
  return outcome::success();
}

}  // namespace warden

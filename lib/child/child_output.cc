#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "lib/base/argument_check.h"
#include "lib/base/log_message.h"
#include "lib/child/handle.h"
#include "lib/child/handle_check.h"
#include "lib/child/wait_for_line.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/output/drain_output.h"
#include "warden/child.h"
#include "warden/log.h"

namespace warden {
namespace {

using internal::CapturedStream;
using internal::Handle;

OutputError failed(const Handle* handle, std::error_code code) {
  return {code, handle == nullptr ? std::string() : handle->child->name()};
}

OutputError failed(const Handle* handle, std::error_code code, OutputStream stream) {
  OutputError error = failed(handle, code);
  error.stream = stream;
  return error;
}

OutputError refused(const Handle& handle, InvalidArgument invalid) {
  OutputError error = failed(&handle, make_error_code(invalid));
  error.invalid_argument = std::move(invalid);
  return error;
}

// Null when it is not captured.
CapturedStream* find(const Handle& handle, OutputStream stream) {
  return handle.output == nullptr ? nullptr : handle.output->find(stream);
}

void report(const std::string& process_name, OutputStream stream, std::string_view error) {
  const char* const event = stream == OutputStream::kStdout ? "a callback for a line of stdout threw an exception"
                                                            : "a callback for a line of stderr threw an exception";
  internal::log_message({LogSeverity::kError, process_name, event, error});
}

// The callback as the pump takes it: it never throws.
internal::LineSubscription::Taker contained(LineCallback callback, std::string process_name, OutputStream stream) {
  return [callback = std::move(callback), process_name = std::move(process_name), stream](const Line& line) {
    try {
      callback(line);
    } catch (const std::exception& thrown) {
      report(process_name, stream, thrown.what());
    } catch (...) {
      report(process_name, stream, "not a std::exception");
    }
    return true;
  };
}

}  // namespace

Result<Output, OutputError> Child::output(OutputStream stream) const {
  if (const std::error_code error = internal::why_unusable(handle_)) return failed(handle_, error, stream);
  CapturedStream* const captured = find(*handle_, stream);
  if (captured == nullptr) return failed(handle_, Errc::kNotCaptured, stream);
  return captured->snapshot();
}

Result<void, OutputError> Child::on_line(OutputStream stream, LineCallback callback) {
  if (const std::error_code error = internal::why_unusable(handle_)) return failed(handle_, error, stream);
  CapturedStream* const captured = find(*handle_, stream);
  if (captured == nullptr) return failed(handle_, Errc::kNotCaptured, stream);
  if (!callback) return refused(*handle_, {"callback", "", "there is no function to call"});
  const internal::CancellationGuard no_cancellation;
  captured->attach(std::make_shared<internal::LineSubscription>(
      captured->max_line_length(), contained(std::move(callback), handle_->child->name(), stream)));
  handle_->output->wake();
  return outcome::success();
}

Result<LineWait, OutputError> Child::wait_for_line(OutputStream stream, std::string_view text, absl::Duration timeout) {
  return wait_for_line(
      stream, [text](const Line& line) { return line.text.find(text) != std::string_view::npos; }, timeout);
}

Result<LineWait, OutputError> Child::wait_for_line(OutputStream stream, const LinePredicate& predicate,
                                                   absl::Duration timeout) {
  if (const std::error_code error = internal::why_unusable_for_waiting(handle_)) {
    return failed(handle_, error, stream);
  }
  if (auto invalid = internal::check_duration("timeout", timeout)) return refused(*handle_, *std::move(invalid));
  CapturedStream* const captured = find(*handle_, stream);
  if (captured == nullptr) return failed(handle_, Errc::kNotCaptured, stream);
  if (!predicate) return refused(*handle_, {"predicate", "", "there is no function to call"});
  const internal::CancellationGuard no_cancellation;
  internal::Supervised& child = *handle_->child;
  const internal::TimePoint deadline = internal::deadline_after(child.sys().now(), timeout);
  return internal::wait_for_line(child, *handle_->output, *captured, predicate, deadline);
}

Result<DrainResult, OutputError> Child::drain_output(absl::Duration timeout) {
  if (const std::error_code error = internal::why_unusable_for_waiting(handle_)) {
    return failed(handle_, error);
  }
  if (auto invalid = internal::check_duration("timeout", timeout)) return refused(*handle_, *std::move(invalid));
  if (handle_->output == nullptr) return DrainResult{};
  const internal::CancellationGuard no_cancellation;
  internal::Sys& sys = handle_->child->sys();
  return internal::drain_output(sys, *handle_->output, internal::deadline_after(sys.now(), timeout));
}

}  // namespace warden

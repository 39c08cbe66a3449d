#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "lib/base/argument_check.h"
#include "lib/base/log_message.h"
#include "lib/base/printable.h"
#include "lib/child/call.h"
#include "lib/child/handle.h"
#include "lib/child/wait_for_line.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/deadline.h"
#include "lib/output/drain_output.h"
#include "lib/output/text_in_line.h"
#include "warden/child.h"
#include "warden/log.h"

namespace warden {
namespace {

using internal::CapturedStream;
using internal::check_duration;
using internal::Handle;
using internal::LineWish;
using internal::Refusal;
using internal::refuse;
using internal::refuse_waiting;

OutputError about(OutputStream stream, OutputError error) {
  error.stream = stream;
  return error;
}

// Finds the stream, unless the call is refused or the stream is not captured.
Result<CapturedStream*, OutputError> captured(const Handle* handle, OutputStream stream, const Refusal& refusal) {
  if (refusal) return about(stream, refusal);
  CapturedStream* const found = handle->output == nullptr ? nullptr : handle->output->find(stream);
  if (found == nullptr) return about(stream, Refusal(handle, Errc::kNotCaptured));
  return found;
}

InvalidArgument no_function(std::string field) { return {std::move(field), "", "there is no function to call"}; }

void report(const std::string& process_name, OutputStream stream, std::string_view error) {
  const char* const event = stream == OutputStream::kStdout ? "a callback for a line of stdout threw an exception"
                                                            : "a callback for a line of stderr threw an exception";
  internal::log_message({LogSeverity::kError, process_name, event, internal::printable(error)});
}

// Wraps the callback for the pump, which takes none that throws: an exception goes to the log sink.
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

Result<LineWait, OutputError> wait_for_wished(const Handle* handle, OutputStream stream, const LinePredicate& predicate,
                                              LineWish wish, Timeout timeout) {
  const auto found = captured(handle, stream, refuse_waiting(handle, check_duration("timeout", timeout)));
  if (!found) return found.error();
  if (!predicate) return about(stream, refuse(handle, no_function("predicate")));
  const internal::CancellationGuard no_cancellation;
  internal::Supervised& supervised = *handle->supervised;
  const internal::TimePoint deadline = internal::deadline_after(supervised.sys().now(), timeout.duration());
  return internal::wait_for_line(supervised, *handle->output, *found.value(), predicate, wish, deadline);
}

bool has_ended(internal::Supervised& child) {
  const internal::Lock lock(child);
  return child.leader().ended(lock);
}

}  // namespace

Result<Output, OutputError> Child::output(OutputStream stream) const {
  const auto found = captured(handle_, stream, refuse(handle_));
  if (!found) return found.error();
  return found.value()->snapshot();
}

Result<void, OutputError> Child::on_line(OutputStream stream, LineCallback callback) {
  const auto found = captured(handle_, stream, refuse(handle_));
  if (!found) return found.error();
  if (!callback) return about(stream, refuse(handle_, no_function("callback")));
  const internal::CancellationGuard no_cancellation;
  found.value()->attach(std::make_shared<internal::LineSubscription>(
      found.value()->max_line_length(), contained(std::move(callback), handle_->supervised->name(), stream)));
  handle_->output->wake();
  return outcome::success();
}

Result<LineWait, OutputError> Child::wait_for_line(OutputStream stream, std::string_view text, Timeout timeout) {
  return wait_for_line(
      stream, [text](const Line& line) { return line.text.find(text) != std::string_view::npos; }, timeout);
}

Result<LineWait, OutputError> Child::wait_for_line(OutputStream stream, const LinePredicate& predicate,
                                                   Timeout timeout) {
  return wait_for_wished(handle_, stream, predicate, LineWish::kFinished, timeout);
}

Result<LineWait, OutputError> Child::wait_for_text(OutputStream stream, std::string_view text, Timeout timeout) {
  internal::TextInLine search{std::string(text)};
  return wait_for_text(
      stream, [&search](const Line& line) { return search.is_in(line); }, timeout);
}

Result<LineWait, OutputError> Child::wait_for_text(OutputStream stream, const LinePredicate& predicate,
                                                   Timeout timeout) {
  return wait_for_wished(handle_, stream, predicate, LineWish::kGrowing, timeout);
}

Result<DrainResult, OutputError> Child::drain_output(Timeout timeout) {
  if (const Refusal refusal = refuse_waiting(handle_, check_duration("timeout", timeout))) return refusal;
  if (handle_->output == nullptr) return DrainResult{};
  const internal::CancellationGuard no_cancellation;
  internal::Supervised& supervised = *handle_->supervised;
  internal::Sys& sys = supervised.sys();
  const internal::TimePoint deadline = internal::deadline_after(sys.now(), timeout.duration());
  return internal::drain_output(sys, *handle_->output, deadline, [&supervised] { return has_ended(supervised); });
}

}  // namespace warden

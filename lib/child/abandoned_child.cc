#include "warden/abandoned_child.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "lib/base/callback.h"
#include "lib/base/log_message.h"
#include "lib/base/printable.h"
#include "lib/child/report_abandoned_child.h"
#include "warden/log.h"

namespace warden {
namespace {

constexpr char kEnded[] =
    "destroyed before its end was seen; it has ended now. "
    "Call wait, terminate or kill and look at the result, or detach_on_destruction()";
constexpr char kNotEnded[] =
    "destroyed before its end was seen; it could not be ended. "
    "Call wait, terminate or kill and look at the result, or detach_on_destruction()";

internal::Callback<AbandonedChildHandler> handler;

const char* event_of(const AbandonedChild& abandoned) { return abandoned.error.empty() ? kEnded : kNotEnded; }

void print(const AbandonedChild& abandoned) {
  const absl::string_view name(abandoned.process_name.data(), abandoned.process_name.size());
  const absl::string_view error(abandoned.error.data(), abandoned.error.size());
  const std::string line =
      absl::StrCat("warden: child '", internal::printable(abandoned.process_name), "' (pid ", abandoned.pid, ") ",
                   event_of(abandoned), error.empty() ? "" : ": ", error, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_and_abort(const AbandonedChild& abandoned, void*) {
  print(abandoned);
  if (!abandoned.unwinding) std::abort();
}

void log_or_print(const AbandonedChild& abandoned) {
  if (!internal::log_message({LogSeverity::kError, abandoned.process_name, event_of(abandoned), abandoned.error})) {
    print(abandoned);
  }
}

}  // namespace

void set_abandoned_child_handler(AbandonedChildHandler function, void* context) { handler.set({function, context}); }

void abort_on_abandoned_child() { set_abandoned_child_handler(print_and_abort, nullptr); }

void internal::report_abandoned_child(const AbandonedChild& abandoned) {
  const auto [function, context] = handler.get();
  if (function == nullptr) return log_or_print(abandoned);
  function(abandoned, context);
}

}  // namespace warden

#include "warden/misuse.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "lib/base/callback.h"
#include "lib/base/log_message.h"
#include "lib/child/report_misuse.h"
#include "warden/log.h"

namespace warden {
namespace {

constexpr char kEnded[] =
    "destroyed before its end was seen; it has ended now. "
    "Call wait, terminate or kill and look at the result, or must_not_be_terminated()";
constexpr char kNotEnded[] =
    "destroyed before its end was seen; it could not be ended. "
    "Call wait, terminate or kill and look at the result, or must_not_be_terminated()";

internal::Callback<MisuseHandler> handler;

const char* event_of(const Misuse& misuse) { return misuse.error.empty() ? kEnded : kNotEnded; }

void print(const Misuse& misuse) {
  const absl::string_view name(misuse.process_name.data(), misuse.process_name.size());
  const absl::string_view error(misuse.error.data(), misuse.error.size());
  const std::string line = absl::StrCat("warden: child '", name, "' (pid ", misuse.pid, ") ", event_of(misuse),
                                        error.empty() ? "" : ": ", error, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_and_abort(const Misuse& misuse, void*) {
  print(misuse);
  if (!misuse.unwinding) std::abort();
}

void log_or_print(const Misuse& misuse) {
  if (!internal::log_message({LogSeverity::kError, misuse.process_name, event_of(misuse), misuse.error})) print(misuse);
}

}  // namespace

void set_misuse_handler(MisuseHandler function, void* context) { handler.set({function, context}); }

void abort_on_misuse() { set_misuse_handler(print_and_abort, nullptr); }

void internal::report_misuse(const Misuse& misuse) {
  const auto [function, context] = handler.get();
  if (function == nullptr) return log_or_print(misuse);
  function(misuse, context);
}

}  // namespace warden

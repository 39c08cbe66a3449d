#include "warden/log.h"

#include <ostream>
#include <string>

#include "lib/base/callback.h"
#include "lib/base/log_message.h"
#include "lib/base/printable.h"

namespace warden {
namespace {

internal::Callback<LogSink> sink;

}  // namespace

std::string_view to_string(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kDebug:
      return "debug";
    case LogSeverity::kWarning:
      return "warning";
    case LogSeverity::kError:
      return "error";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, LogSeverity severity) { return out << to_string(severity); }

void set_log_sink(LogSink function, void* context) { sink.set({function, context}); }

bool internal::log_message(const LogRecord& record) {
  const auto [function, context] = sink.get();
  if (function == nullptr) return false;
  LogRecord shown = record;
  std::string name;
  if (!is_printable(record.process_name)) shown.process_name = name = printable(record.process_name);
  function(shown, context);
  return true;
}

}  // namespace warden

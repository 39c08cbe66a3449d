#include "warden/log.h"

#include "lib/base/callback.h"
#include "lib/base/log_message.h"

namespace warden {
namespace {

internal::Callback<LogSink> sink;

}  // namespace

void set_log_sink(LogSink function, void* context) { sink.set({function, context}); }

bool internal::log_message(const LogRecord& record) {
  const auto [function, context] = sink.get();
  if (function == nullptr) return false;
  function(record, context);
  return true;
}

}  // namespace warden

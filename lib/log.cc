#include "warden/log.h"

#include <mutex>

#include "lib/internal/log_message.h"

namespace warden {
namespace {

// Constant-initialised and trivially destroyed: usable before main and after exit.
struct Sink {
  std::mutex mutex;
  LogSink function = nullptr;
  void* context = nullptr;
};
Sink sink;

}  // namespace

void set_log_sink(LogSink function, void* context) {
  const std::lock_guard<std::mutex> lock(sink.mutex);
  sink.function = function;
  sink.context = context;
}

bool internal::log_message(const LogRecord& record) {
  LogSink function = nullptr;
  void* context = nullptr;
  {
    const std::lock_guard<std::mutex> lock(sink.mutex);
    function = sink.function;
    context = sink.context;
  }
  if (function == nullptr) return false;
  function(record, context);
  return true;
}

}  // namespace warden

// Where the library's own messages go: to a sink that the program sets, and nowhere by default.
#ifndef WARDEN_LOG_H_
#define WARDEN_LOG_H_

#include <iosfwd>
#include <string_view>

namespace warden {

enum class LogSeverity { kDebug, kWarning, kError };

// "debug", "warning", "error".
std::string_view to_string(LogSeverity severity);
std::ostream& operator<<(std::ostream& out, LogSeverity severity);

// One message. The views are valid during the call only. Names, and the text of a callback's exception, are escaped:
// each byte of a control character (C0, DEL, C1) and each byte that is not UTF-8 is "\xNN", so that they forge no line
// of a log and command no terminal. An error with attempts has a line for each of them.
struct LogRecord {
  LogSeverity severity;
  std::string_view process_name;  // Child::name() of the child that it is about, escaped
  std::string_view event;         // what happened, a fixed sentence for each kind of event
  std::string_view error;         // the error's text; empty when there is none
};

// The library calls it on the thread whose call caused the event, with no lock held, so it may call the library again.
// One event comes on a thread of the library: an exception that an output callback threw there. It must not throw.
// `context` is what set_log_sink was given.
using LogSink = void (*)(const LogRecord& record, void* context);

// Sets the sink for this process; nullptr for none.
// A message that another thread is just delivering may still reach the old sink after this returns.
// Thread-safe.
void set_log_sink(LogSink sink, void* context);

}  // namespace warden

#endif  // WARDEN_LOG_H_

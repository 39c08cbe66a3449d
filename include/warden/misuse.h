// What happens when a Child is destroyed before anybody saw its end.
//
// The destructor kills the process group and waits for it, bounded, whatever the handler does: the handler decides only
// who is told. By default that is the log sink, at error level, or stderr without a sink.
#ifndef WARDEN_MISUSE_H_
#define WARDEN_MISUSE_H_

#include <string_view>

namespace warden {

// One such destruction. The views are valid during the call only.
struct Misuse {
  std::string_view process_name;  // Child::name()
  int pid;
  std::string_view error;  // why the group could not be ended, with every attempt; empty when it is gone
  bool unwinding;          // an exception is on its way: the handle went with the scope that it leaves
};

// Called by the destructor on its thread, under no lock of ours, after the group was ended. It must not throw.
// `context` is what set_misuse_handler was given.
using MisuseHandler = void (*)(const Misuse& misuse, void* context);

// Sets the handler of this process in place of the default message; nullptr for the default.
// Thread-safe. A destruction that is just calling the old handler may still do so after this returns.
void set_misuse_handler(MisuseHandler handler, void* context);

// From now on a misuse writes its message to stderr and aborts the process: for tests and for debugging. While an
// exception is on its way it only writes the message, so that the exception, which is the first mistake, is not hidden.
void abort_on_misuse();

}  // namespace warden

#endif  // WARDEN_MISUSE_H_

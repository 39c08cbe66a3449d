// What happens when the program destroys a Child before it has seen the end of the child (child.h).
//
// The destructor kills the process group and waits for it, bounded, whatever the handler does: the handler decides only
// where the report goes. By default that is the log sink, at error level, or stderr without a sink.
#ifndef WARDEN_MISUSE_H_
#define WARDEN_MISUSE_H_

#include <string_view>

namespace warden {

// One such destruction. The views are valid during the call only.
struct Misuse {
  std::string_view process_name;  // Child::name()
  int pid;
  std::string_view error;  // why the group could not be ended, with every attempt; empty when it is gone
  bool unwinding;          // an exception is in flight: the handle went with the scope that it leaves
};

// The destructor calls it on its own thread, with no lock held, after it has ended the group. It must not throw.
// `context` is what set_misuse_handler was given.
using MisuseHandler = void (*)(const Misuse& misuse, void* context);

// Sets the handler of this process in place of the default message; nullptr for the default. Thread-safe. A destructor
// on another thread may still call the old handler after this returns.
void set_misuse_handler(MisuseHandler handler, void* context);

// Makes each misuse write its message to stderr and abort the process: for tests and for debugging. While an exception
// is in flight it only writes the message, so that the exception, which is the first mistake, is not hidden.
void abort_on_misuse();

}  // namespace warden

#endif  // WARDEN_MISUSE_H_

// What happens when the program abandons a child: when it destroys a Child before it has seen the end of the child, and
// has asked for nothing else (child.h). A child that the policy of terminate_on_destruction() cannot end counts, too.
//
// The destructor kills the process group and waits for it, bounded, whatever the handler does: the handler decides only
// where the report goes. By default that is the log sink, at error level, or stderr without a sink.
#ifndef WARDEN_ABANDONED_CHILD_H_
#define WARDEN_ABANDONED_CHILD_H_

#include <string_view>

namespace warden {

// One such child. The views are valid during the call only.
struct AbandonedChild {
  std::string_view process_name;  // Child::name(), as it is: it may have control characters
  int pid;
  std::string_view error;  // why the group could not be ended, with every attempt; empty when it is gone
  bool unwinding;          // an exception is in flight: the handle went with the scope that it leaves
};

// The destructor calls it on its own thread, with no lock held, after it has ended the group. It must not throw.
// `context` is what set_abandoned_child_handler was given.
using AbandonedChildHandler = void (*)(const AbandonedChild& abandoned, void* context);

// Sets the handler of this process in place of the default message; nullptr for the default. Thread-safe. A destructor
// on another thread may still call the old handler after this returns.
void set_abandoned_child_handler(AbandonedChildHandler handler, void* context);

// Sets a handler that writes the message to stderr and aborts the process: for tests and for debugging. While an
// exception is in flight it only writes the message, so that the exception, which is the first mistake, is not hidden.
void abort_on_abandoned_child();

}  // namespace warden

#endif  // WARDEN_ABANDONED_CHILD_H_

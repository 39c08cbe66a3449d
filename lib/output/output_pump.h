// The thread that reads what a child writes.
#ifndef WARDEN_LIB_OUTPUT_OUTPUT_PUMP_H_
#define WARDEN_LIB_OUTPUT_OUTPUT_PUMP_H_

#include <pthread.h>

#include <memory>
#include <vector>

#include "lib/os/unique_fd.h"
#include "lib/output/captured_stream.h"
#include "warden/output.h"

namespace warden::internal {

// Reads all captured streams of one child until each has ended, and goes on serving the subscriptions to their lines
// until it is destroyed. Knows nothing of the child: the reaper tells its exit. Started before the child exists, so
// that a failed thread creation never leaves a child with an unread pipe. Its thread blocks all signals, and has a
// stack of the default size, since callbacks of the program run on it.
class OutputPump {
 public:
  OutputPump();
  ~OutputPump();  // stops
  OutputPump(const OutputPump&) = delete;
  OutputPump& operator=(const OutputPump&) = delete;

  // Adds a stream, before the start. 0, or an errno; `write_end` is the child's.
  int add(OutputStream stream, const CaptureOptions& options, UniqueFd* write_end);
  // Starts the thread. 0, or an errno.
  int start();

  // Null when that stream is not captured.
  CapturedStream* find(OutputStream stream) const;
  std::vector<CapturedStream*> streams() const;

  // For the caller of attach and request_catch_up, after each.
  void wake();
  // False where the host has closed the descriptor that wakes the thread, and the thread does not know yet: it may
  // sleep for ever.
  bool can_be_woken() const;
  // Nobody waits for the thread any more: its streams count as ended, with EBADF.
  void lose_streams();
  // Whether the caller is a callback of this very pump.
  bool is_this_thread() const;

  // Waits for a callback that runs, starts none after it, and ends the thread. A callback that calls this cannot be
  // waited for: the thread ends by itself after it. So it does, once it wakes, where the host has closed the descriptor
  // that would wake it.
  void stop();

  // In a forked copy, which has no such thread: closes the copies of the descriptors. Takes no lock.
  void disown();

 private:
  struct State;

  static void* run_state(void* argument);
  void join_while_it_can_be_woken(bool has_event);
  void let_go();

  std::shared_ptr<State> state_;
  pthread_t thread_ = {};
  bool is_started_ = false;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_OUTPUT_PUMP_H_

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

// Reads all captured streams of one child until each has ended, and goes on serving those who want their lines until it
// is destroyed. Knows nothing of the child: its exit is the reaper's to tell. Started before the child exists, so that
// a failing thread creation never leaves a child whose output nobody reads. All signals are blocked in it; its stack
// has the default size, since callbacks of the program run on it.
class OutputPump {
 public:
  OutputPump();
  ~OutputPump();  // stops
  OutputPump(const OutputPump&) = delete;
  OutputPump& operator=(const OutputPump&) = delete;

  // One more stream, before the start. 0, or an errno; `write_end` is the child's.
  int add(OutputStream stream, const CaptureOptions& options, UniqueFd* write_end);
  // 0, or an errno.
  int start();

  // Null when it is not captured.
  CapturedStream* find(OutputStream stream) const;
  std::vector<CapturedStream*> streams() const;

  // After attach and request_catch_up.
  void wake();
  // Whether the caller is a callback of this very pump.
  bool is_this_thread() const;

  // Waits for a callback that runs, starts none after, and ends the thread. On the pump's own thread nothing can be
  // waited for: it ends by itself after the callback.
  void stop();

  // In a forked copy, which has no such thread: closes the copies of the descriptors. Takes no lock.
  void disown();

 private:
  struct State;

  static void* run_state(void* argument);

  std::shared_ptr<State> state_;
  pthread_t thread_ = {};
  bool is_started_ = false;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_OUTPUT_PUMP_H_

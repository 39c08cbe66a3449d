// The signals that the tool receives: the first asks for the child's end, the second for its end at once.
#ifndef WARDEN_LIB_TOOL_SIGNAL_RELAY_H_
#define WARDEN_LIB_TOOL_SIGNAL_RELAY_H_

#include <signal.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "warden/signal.h"

namespace warden::tool {

// Blocks INT, TERM, HUP and QUIT for this thread, and so for all threads that it starts later, except those that were
// ignored when the tool was started (nohup(1), a shell's background job): they stay ignored. With a terminal also
// blocks the signals of job control (job_control.h); TSTP with the same exception.
class BlockedSignals {
 public:
  explicit BlockedSignals(bool has_terminal);
  const sigset_t& set() const { return set_; }

 private:
  sigset_t set_;
};

// Waits for those signals on a thread of its own.
class SignalRelay {
 public:
  using Handler = std::function<void(Signal)>;
  using JobHandler = std::function<void(int signal)>;

  // Calls `first` with the first signal that comes, on a thread of its own, so that the relay still listens, and
  // `second` with each later one, on the listening thread. They may block. Calls `job` on the listening thread with
  // each signal of job control.
  SignalRelay(const BlockedSignals& blocked, Handler first, Handler second, JobHandler job);
  ~SignalRelay();

  // If a signal has come, waits for the first handler to return; the relay still listens. Not for use by two threads.
  bool wait_first();

  // Ends the listening, waits for the handlers to return, and returns the signal that came first. Idempotent.
  std::optional<Signal> stop();

 private:
  void listen();
  void start_first(Signal signal);

  sigset_t set_;
  Handler first_, second_;
  JobHandler job_;
  std::mutex mutex_;
  std::optional<Signal> received_;
  std::atomic<bool> stopping_{false};
  std::thread first_thread_;
  std::thread listener_;
};

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_SIGNAL_RELAY_H_

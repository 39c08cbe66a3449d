#include "lib/tool/signal_relay.h"

#include <pthread.h>

#include <system_error>
#include <utility>

#include "lib/tool/job_control.h"

namespace warden::tool {
namespace {

// The signal by which the tool ends its own listener.
constexpr int kStop = SIGUSR1;

bool is_ignored(int signal) {
  struct sigaction action = {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

BlockedSignals::BlockedSignals(bool has_terminal) {
  sigemptyset(&set_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    if (!is_ignored(signal)) sigaddset(&set_, signal);
  }
  if (has_terminal) {
    if (!is_ignored(SIGTSTP)) sigaddset(&set_, SIGTSTP);
    sigaddset(&set_, SIGCHLD);
    sigaddset(&set_, SIGCONT);
  }
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

SignalRelay::SignalRelay(const BlockedSignals& blocked, Handler first, Handler second, JobHandler job)
    : set_(blocked.set()), first_(std::move(first)), second_(std::move(second)), job_(std::move(job)) {
  // Blocks the stop signal before the listener exists; this thread needs it blocked only until the listener has
  // started.
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, kStop);
  sigaddset(&set_, kStop);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  listener_ = std::thread([this] { listen(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SignalRelay::~SignalRelay() { stop(); }

void SignalRelay::listen() {
  for (;;) {
    int number = 0;
    if (::sigwait(&set_, &number) != 0) continue;
    if (number == kStop) {
      if (stopping_) return;
      continue;
    }
    if (JobControl::concerns(number)) {
      job_(number);
      continue;
    }
    const Signal signal = Signal::from_number(number).value();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (received_.has_value()) {
      second_(signal);
    } else {
      received_ = signal;
      start_first(signal);
    }
  }
}

void SignalRelay::start_first(Signal signal) {
  try {
    first_thread_ = std::thread([this, signal] { first_(signal); });
  } catch (const std::system_error&) {  // no thread can be created: the second signal waits
    first_(signal);
  }
}

bool SignalRelay::wait_first() {
  std::thread first;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!received_.has_value()) return false;
    first = std::move(first_thread_);
  }
  if (first.joinable()) first.join();
  return true;
}

std::optional<Signal> SignalRelay::stop() {
  if (listener_.joinable()) {
    stopping_ = true;
    pthread_kill(listener_.native_handle(), kStop);
    listener_.join();
  }
  if (first_thread_.joinable()) first_thread_.join();
  return received_;
}

}  // namespace warden::tool

#include "test/support/interrupted_call.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace warden::test_support {
namespace {

constexpr int kSignal = SIGUSR2;
constexpr int kInterruptions = 3;

void do_nothing(int) {}

std::string directory_of(pid_t tid) { return "/proc/self/task/" + std::to_string(tid); }

// Whether the thread sleeps; a thread whose signal has come is awake.
bool is_asleep(pid_t tid) {
  std::string stat;
  std::getline(std::ifstream(directory_of(tid) + "/stat"), stat);
  return stat.find(") S ") != std::string::npos;
}

// Whether the signal has not reached its handler yet.
bool is_pending(pid_t tid) {
  std::ifstream status(directory_of(tid) + "/status");
  const std::string field = "SigPnd:";
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, field.size(), field) != 0) continue;
    return (::strtoull(line.c_str() + field.size(), nullptr, 16) >> (kSignal - 1) & 1) != 0;
  }
  return false;
}

}  // namespace

InterruptedCall::InterruptedCall(std::function<void()> call) {
  struct sigaction action = {};
  action.sa_handler = do_nothing;
  EXPECT_EQ(::sigaction(kSignal, &action, &before_), 0);
  thread_ = std::thread([this, call = std::move(call)] {
    tid_ = static_cast<pid_t>(::syscall(SYS_gettid));
    call();
    has_ended_ = true;
  });
}

bool InterruptedCall::wait_asleep() const {
  while (!has_ended_) {
    if (tid_ != 0 && is_asleep(tid_)) return true;
    std::this_thread::yield();
  }
  return false;
}

// Returns when the thread has taken the signal: it sleeps then only if it makes the system call once more.
void InterruptedCall::interrupt() {
  EXPECT_EQ(::pthread_kill(thread_.native_handle(), kSignal), 0);
  while (!has_ended_ && is_pending(tid_)) std::this_thread::yield();
}

bool InterruptedCall::goes_on() {
  for (int i = 0; i < kInterruptions; ++i) {
    if (!wait_asleep()) return false;
    interrupt();
  }
  return wait_asleep();
}

void InterruptedCall::join() {
  if (!thread_.joinable()) return;
  thread_.join();
  ::sigaction(kSignal, &before_, nullptr);
}

}  // namespace warden::test_support

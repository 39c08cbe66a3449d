#include "test/benchmark/trigger.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "test/benchmark/measure.h"

namespace warden::benchmark {
namespace {

// More than a thread needs to come to its wait.
constexpr auto kPause = std::chrono::microseconds(300);

}  // namespace

Trigger::Trigger() {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  read_fd_ = ends[0];
  write_fd_ = ends[1];
  require(::sem_init(&armed_, 0, 0) == 0, "sem_init");
  thread_ = std::thread([this] { run(); });
}

Trigger::~Trigger() {
  stop_ = true;
  arm();
  thread_.join();
  ::sem_destroy(&armed_);
  ::close(read_fd_);
  ::close(write_fd_);
}

void Trigger::run() {
  for (;;) {
    while (::sem_wait(&armed_) != 0) {
    }
    if (stop_) return;
    std::this_thread::sleep_for(kPause);
    fired_ = now_in_microseconds();
    require(::write(write_fd_, "x", 1) == 1, "write");
  }
}

}  // namespace warden::benchmark

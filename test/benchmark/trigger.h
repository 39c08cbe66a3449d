// Ends a child that reads its stdin while another thread waits for it, and records the time.
#ifndef WARDEN_TEST_BENCHMARK_TRIGGER_H_
#define WARDEN_TEST_BENCHMARK_TRIGGER_H_

#include <semaphore.h>

#include <thread>

namespace warden::benchmark {

class Trigger {
 public:
  Trigger();
  ~Trigger();
  Trigger(const Trigger&) = delete;
  Trigger& operator=(const Trigger&) = delete;

  // The child's end of the pipe: its stdin.
  int read_fd() const { return read_fd_; }

  // Asks the thread to write one byte, late enough for the caller to begin its wait.
  void arm() { ::sem_post(&armed_); }
  // Returns when the last byte was written, in microseconds. REQUIRES: the child that read it has ended.
  double fired() const { return fired_; }

 private:
  void run();

  int read_fd_ = -1;
  int write_fd_ = -1;
  sem_t armed_;
  double fired_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_TRIGGER_H_

// What a process test finds out about processes by itself, apart from the library under test.
#ifndef WARDEN_TEST_SUPPORT_CHILD_PROBE_H_
#define WARDEN_TEST_SUPPORT_CHILD_PROBE_H_

#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "test/support/ack_pipe.h"
#include "warden/attempt_log.h"
#include "warden/child.h"
#include "warden/command.h"
#include "warden/log.h"

namespace warden::test_support {

// Far more than any machine needs for anything.
constexpr absl::Duration kBound = absl::Seconds(60);

// A command that runs test_child in a mode; the first variant acknowledges on the pipe.
Command test_command(const AckPipe& ack, const std::vector<std::string>& mode);
Command test_command(const std::vector<std::string>& mode);

// Reads lines until "forked PID" (or "child forked PID") and all of `ready` have come; returns the pid.
int wait_forked(AckPipe& ack, std::vector<std::string> ready);

// Refers to one process of this machine from now on, whoever gets its number later. A number without a process counts
// as a dead process.
class Pidfd {
 public:
  explicit Pidfd(int pid);
  ~Pidfd();
  Pidfd(const Pidfd&) = delete;
  Pidfd& operator=(const Pidfd&) = delete;

  // Whether its last thread has ended.
  bool is_dead() const;
  // Waits for its death; false after a minute.
  bool wait_dead(absl::Duration bound = kBound) const;
  bool send(int signal) const;
  // Waits until no process can wait for it any more: it is reaped, or no child of this process.
  bool wait_reaped() const;

 private:
  int fd_;
};

// Waits until this child of the test process is stopped; false when it cannot be, or after a minute.
bool wait_stopped(int pid);

// Requires that the library reports the child as running; a stopped child counts as running.
void expect_running(Child& child);

// Waits until this process has no child, not even a zombie; false after a minute.
bool wait_until_childless();

// Returns the processes of the group that have a live thread, by /proc.
std::vector<int> live_members(int group);

// Returns the signals of the log without SIGCONT, each as "SIGINT group", with ": failed" when it was not sent.
std::vector<std::string> sent_signals(const AttemptLog& log);

// Takes the library's messages while it exists.
class CapturedLog {
 public:
  CapturedLog();
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  struct Record {
    LogSeverity severity;
    std::string name, event, error;
  };
  std::vector<Record> records() const;

 private:
  static void take(const LogRecord& record, void* context);

  mutable std::mutex mutex_;
  std::vector<Record> records_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_CHILD_PROBE_H_

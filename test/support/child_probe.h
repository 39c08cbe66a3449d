// What a process test knows of processes by itself, apart from the library under test.
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

// test_child in a mode; the first acknowledges on the pipe.
Command test_command(const AckPipe& ack, const std::vector<std::string>& mode);
Command test_command(const std::vector<std::string>& mode);

// Reads lines until "forked PID" (or "child forked PID") and all of `ready` have been there; the number.
int wait_forked(AckPipe& ack, std::vector<std::string> ready);

// Any process of this machine, from now on, whatever its number becomes. A number that nobody has is a
// dead process.
class Pidfd {
 public:
  explicit Pidfd(int pid);
  ~Pidfd();
  Pidfd(const Pidfd&) = delete;
  Pidfd& operator=(const Pidfd&) = delete;

  // Whether its last thread has ended.
  bool is_dead() const;
  // Waits for that; false after a minute.
  bool wait_dead() const;
  bool send(int signal) const;
  // Waits until nobody can wait for it any more: it is no child of ours, or reaped.
  bool wait_reaped() const;

 private:
  int fd_;
};

// Waits until the child of ours is stopped; false when it cannot be, or after a minute.
bool wait_stopped(int pid);

// By all that the library says; a stopped child counts as running.
void expect_running(Child& child);

// Waits until this process has no child, not even a zombie; false after a minute.
bool wait_until_childless();

// The processes of the group that live in any thread, by /proc.
std::vector<int> live_members(int group);

// The signals of the log but SIGCONT, "SIGINT group" each, with ": failed" when they did.
std::vector<std::string> sent_signals(const AttemptLog& log);

// While it exists it takes the library's messages.
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

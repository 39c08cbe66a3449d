// A child on the simulated kernel, and the log of its termination as lines.
#ifndef WARDEN_TEST_FAKE_SIMULATED_CHILD_H_
#define WARDEN_TEST_FAKE_SIMULATED_CHILD_H_

#include <signal.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/supervise/supervised.h"
#include "lib/terminate/terminate_child.h"
#include "test/fake/fake_sys.h"

namespace warden::internal {

// An attempt as "@1s interrupt wait_for_exit SIGINT -: timed_out ETIMEDOUT +1s", with "-" for what is absent: start,
// phase, operation, signal, target, result, error, duration if any, survivors in brackets.
std::string line_of(const Attempt& attempt);
std::vector<std::string> lines_of(const AttemptLog& log);
// The error as "EPERM" or "kSurvivors".
std::string name_of(std::error_code error);

// Captures the library's messages while it exists: "WARN victim: event | error".
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  static void sink(const LogRecord& record, void* context);
  std::vector<std::string> messages_;
};

class SimulatedChild : public ::testing::Test {
 protected:
  enum class Kernel { kNew, kOld };  // with pidfd group signals (6.9), or without

  void TearDown() override;

  // Starts the child. `has_pidfd` false: no pidfd could be opened.
  void begin(Kernel kernel = Kernel::kNew, bool leads_group = true, bool has_pidfd = true);
  // Opens a stdin pipe, whose read end tells whether the library's end is still open.
  void open_stdin();
  bool stdin_is_open();

  TerminationResult terminate(const TerminationPolicy& policy);
  TerminationResult terminate(absl::Duration interrupt_timeout, absl::Duration terminate_timeout) {
    return terminate(TerminationPolicy::interrupt_first(interrupt_timeout, terminate_timeout));
  }
  // The same for a termination that has to succeed.
  TerminationReport report_of(const TerminationPolicy& policy);
  // The same for a termination that has to fail.
  TerminationError error_of(const TerminationPolicy& policy);

  Leader::Stage phase();
  bool is_end_seen();

  FakeSys sys_;
  Supervised child_{sys_, "victim"};
  LogCapture messages_;

 private:
  UniqueFd stdin_reader_;
};

constexpr absl::Duration kZero = absl::ZeroDuration();
inline absl::Duration ms(int count) { return absl::Milliseconds(count); }
inline absl::Duration seconds(int count) { return absl::Seconds(count); }

// Waits one second after SIGINT and two after SIGTERM.
inline TerminationPolicy usual() { return TerminationPolicy::interrupt_first(absl::Seconds(1), absl::Seconds(2)); }

}  // namespace warden::internal

#endif  // WARDEN_TEST_FAKE_SIMULATED_CHILD_H_

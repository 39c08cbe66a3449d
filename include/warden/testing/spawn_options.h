// How a child of a test is started, watched and ended.
#ifndef WARDEN_TESTING_SPAWN_OPTIONS_H_
#define WARDEN_TESTING_SPAWN_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "warden/output.h"
#include "warden/termination_policy.h"

namespace warden_testing {

// When a child is ready, so that the test may go on.
struct Ready {
  enum class Kind { kAtOnce, kOnLine, kWhen };

  // As soon as its program runs.
  static Ready at_once() { return {}; }
  // When it has written a line that contains the text. The stream must be one that is captured.
  static Ready on_line(std::string text, warden::OutputStream stream = warden::OutputStream::kStdout);
  // When the predicate says so: it is asked at once and then after each interval, on the test's thread.
  static Ready when(std::function<bool()> predicate, absl::Duration interval = absl::Milliseconds(10));

  // As set by those.
  Kind kind = Kind::kAtOnce;
  std::string text = {};
  warden::OutputStream stream = warden::OutputStream::kStdout;
  std::function<bool()> predicate = {};
  absl::Duration interval = absl::ZeroDuration();
};

struct SpawnOptions {
  // What messages and files call the child; the command's own name when empty.
  std::string name = {};

  Ready ready = Ready::at_once();
  // A child that is not ready after this fails the test.
  absl::Duration ready_timeout = absl::Seconds(30);

  // The child may end by itself before the test does, with any exit code. A crash is a failure all the same.
  bool may_exit = false;

  // How it is ended at the end of the test.
  warden::TerminationPolicy policy = warden::TerminationPolicy::service(absl::Seconds(5));

  // How much is kept of each stream that the command leaves unset: the last so many bytes.
  std::uint64_t keep_output = 64 * 1024;
};

// Where a call stands in the source: for the messages of the test. The default argument is the caller's line.
struct Location {
  const char* file;
  int line;
  static Location here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

}  // namespace warden_testing

#endif  // WARDEN_TESTING_SPAWN_OPTIONS_H_

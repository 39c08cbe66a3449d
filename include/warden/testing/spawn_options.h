// How a test starts, watches and ends a child.
#ifndef WARDEN_TESTING_SPAWN_OPTIONS_H_
#define WARDEN_TESTING_SPAWN_OPTIONS_H_

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "warden/output.h"
#include "warden/readiness.h"
#include "warden/termination_policy.h"
#include "warden/timeout.h"

namespace warden::testing {

// When a child is ready, so that the test may go on.
struct Ready {
  enum class Kind { kAtOnce, kOnLine, kWhen };

  // Ready as soon as the child's program runs.
  static Ready at_once() { return {}; }
  // Ready when the child has written a line that contains the text. The stream must be captured.
  static Ready on_line(std::string text, warden::OutputStream stream = warden::OutputStream::kStdout);
  // Ready when the predicate returns true. The test's thread calls it at once and then after each interval.
  static Ready when(warden::ReadyPredicate predicate, warden::Timeout interval = absl::Milliseconds(10));

  // Set by the functions above.
  Kind kind = Kind::kAtOnce;
  std::string text = {};
  warden::OutputStream stream = warden::OutputStream::kStdout;
  warden::ReadyPredicate predicate = {};
  warden::Timeout interval = absl::ZeroDuration();
};

// "at_once", "on_line", "when".
std::string_view to_string(Ready::Kind kind);
std::ostream& operator<<(std::ostream& out, Ready::Kind kind);

struct SpawnOptions {
  // The child's name in messages and files; when empty, the command's own name.
  std::string name = {};

  Ready ready = Ready::at_once();
  // A child that is not ready after this fails the test.
  warden::Timeout ready_timeout = absl::Seconds(30);

  // The child may end by itself before the test does, with any exit code. A crash fails the test all the same.
  bool may_exit = false;

  // The policy that ends the child at the end of the test.
  warden::TerminationPolicy policy = warden::TerminationPolicy::service(absl::Seconds(5));

  // How many bytes, the last ones, are kept of each stream that the command leaves unset.
  std::uint64_t keep_output = 64 * 1024;
};

// A call's place in the source, for the messages of the test. As a default argument, here() is the caller's line.
struct Location {
  const char* file;
  int line;
  static Location here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

}  // namespace warden::testing

#endif  // WARDEN_TESTING_SPAWN_OPTIONS_H_

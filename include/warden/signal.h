// A signal: a number that the kernel knows, with its name.
//
// Example:
//   warden::Result<warden::Signal, warden::InvalidArgument> s = warden::Signal::from_number(15);
//   s.value().name();    // "SIGTERM"
#ifndef WARDEN_SIGNAL_H_
#define WARDEN_SIGNAL_H_

#include <iosfwd>
#include <string>
#include <string_view>

#include "warden/error.h"
#include "warden/result.h"

namespace warden {

// A value; every Signal that exists is one of 1..64, so that 0 (a probe) and the negative numbers (which make kill(2)
// reach groups) can never be sent by mistake. Thread-safe like an int.
class Signal {
 public:
  // The signals that a supervisor deals with (POSIX signal.h).
  static Signal hangup();
  static Signal interrupt();
  static Signal quit();
  static Signal abort();
  static Signal kill();
  static Signal user1();
  static Signal user2();
  static Signal terminate();
  static Signal continue_process();
  static Signal stop();

  // A signal by number.
  // Errors: InvalidArgument naming "signal" and the number when it is not in 1..64.
  static Result<Signal, InvalidArgument> from_number(int number);

  // A signal by name, with or without "SIG", in capitals: "SIGTERM", "TERM", "SIGRTMIN+3".
  // Errors: InvalidArgument naming "signal" and the text.
  static Result<Signal, InvalidArgument> from_name(std::string_view name);

  int number() const { return number_; }

  // "SIGTERM"; real-time signals as "SIGRTMIN" and "SIGRTMIN+n"; the two numbers that glibc keeps for itself, which
  // have no name, as "SIG32" and "SIG33".
  std::string name() const;

  // False for the two numbers that glibc reserves (32 and 33, nptl(7)): a child may die of them, but no one may send
  // them.
  bool can_be_sent() const;

  // False for SIGKILL and SIGSTOP, which no process can handle.
  bool can_be_caught() const;

  friend bool operator==(Signal a, Signal b) { return a.number_ == b.number_; }
  friend bool operator!=(Signal a, Signal b) { return a.number_ != b.number_; }

 private:
  explicit Signal(int number) : number_(number) {}
  int number_;
};

// Writes name().
std::ostream& operator<<(std::ostream& out, Signal signal);

}  // namespace warden

#endif  // WARDEN_SIGNAL_H_

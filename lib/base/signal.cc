#include "warden/signal.h"

#include <signal.h>
#include <string.h>

#include <optional>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace warden {
namespace {

constexpr int kFirstRealTime = 34;  // glibc's SIGRTMIN: it keeps 32 and 33 for itself (nptl(7))
constexpr int kLast = 64;

std::string name_of(int number) {
  if (const char* abbreviation = sigabbrev_np(number)) return absl::StrCat("SIG", abbreviation);
  if (number == kFirstRealTime) return "SIGRTMIN";
  if (number > kFirstRealTime) return absl::StrCat("SIGRTMIN+", number - kFirstRealTime);
  return absl::StrCat("SIG", number);
}

InvalidArgument invalid(std::string value, const char* reason) { return {"signal", std::move(value), reason}; }

}  // namespace

Signal Signal::hangup() { return Signal(SIGHUP); }
Signal Signal::interrupt() { return Signal(SIGINT); }
Signal Signal::quit() { return Signal(SIGQUIT); }
Signal Signal::abort() { return Signal(SIGABRT); }
Signal Signal::kill() { return Signal(SIGKILL); }
Signal Signal::user1() { return Signal(SIGUSR1); }
Signal Signal::user2() { return Signal(SIGUSR2); }
Signal Signal::terminate() { return Signal(SIGTERM); }
Signal Signal::continue_process() { return Signal(SIGCONT); }
Signal Signal::stop() { return Signal(SIGSTOP); }

Result<Signal, InvalidArgument> Signal::from_number(int number) {
  if (number < 1 || number > kLast) return invalid(absl::StrCat(number), "a signal is a number from 1 to 64");
  return Signal(number);
}

Result<Signal, InvalidArgument> Signal::from_name(std::string_view name) {
  const absl::string_view given(name.data(), name.size());
  const std::string full = given.substr(0, 3) == "SIG" ? std::string(given) : absl::StrCat("SIG", given);
  for (int number = 1; number <= kLast; ++number) {
    if (name_of(number) == full) return Signal(number);
  }
  return invalid(std::string(name), "no signal has this name");
}

std::string Signal::name() const { return name_of(number_); }

bool Signal::can_be_sent() const { return number_ < 32 || number_ >= kFirstRealTime; }

bool Signal::can_be_caught() const { return number_ != SIGKILL && number_ != SIGSTOP; }

std::ostream& operator<<(std::ostream& out, Signal signal) { return out << signal.name(); }

}  // namespace warden

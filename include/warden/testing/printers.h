// How GoogleTest prints the public values of the library.
//
// Many have an operator<<, which GoogleTest uses by itself; these functions print the others. Include this in every
// file whose assertions or matchers see a Result: GoogleTest must print a type the same way in every file of a program.
#ifndef WARDEN_TESTING_PRINTERS_H_
#define WARDEN_TESTING_PRINTERS_H_

#include <iosfwd>
#include <ostream>
#include <type_traits>

#include "gtest/gtest-printers.h"
#include "warden/warden.h"

namespace warden {

void PrintTo(Errc code, std::ostream* out);

void PrintTo(const ResourceUsage& usage, std::ostream* out);
void PrintTo(const AdoptOptions& options, std::ostream* out);
void PrintTo(const Stdio& stdio, std::ostream* out);
void PrintTo(const ResourceLimit& limit, std::ostream* out);
void PrintTo(const Credentials& credentials, std::ostream* out);
void PrintTo(const InheritedFd& fd, std::ostream* out);
// Prints the name, and neither the arguments nor the environment: they may hold secrets.
void PrintTo(const Command& command, std::ostream* out);
void PrintTo(const CaptureOptions& options, std::ostream* out);
// Prints the last KiB, as a string literal.
void PrintTo(const Output& output, std::ostream* out);
void PrintTo(const Line& line, std::ostream* out);
void PrintTo(const RunOptions& options, std::ostream* out);
void PrintTo(const StdinReport& report, std::ostream* out);
void PrintTo(const RunResult& result, std::ostream* out);
void PrintTo(const AbandonedChild& abandoned, std::ostream* out);
void PrintTo(const LogRecord& record, std::ostream* out);
void PrintTo(const Child& child, std::ostream* out);

// Prints the value, or "error: " and everything that the error says.
template <class T, class E, class NoValuePolicy>
void PrintTo(const BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, E, NoValuePolicy>& result, std::ostream* out) {
  if (!result.has_value()) {
    *out << "error: " << ::testing::PrintToString(result.assume_error());
  } else if constexpr (std::is_void_v<T>) {
    *out << "ok";
  } else {
    *out << ::testing::PrintToString(result.assume_value());
  }
}

}  // namespace warden

#endif  // WARDEN_TESTING_PRINTERS_H_

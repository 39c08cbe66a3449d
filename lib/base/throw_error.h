// What every error type of ours defines beside its text: its code, how value() of a Result throws it, and its printing.
#ifndef WARDEN_LIB_BASE_THROW_ERROR_H_
#define WARDEN_LIB_BASE_THROW_ERROR_H_

#include <ostream>
#include <string>
#include <system_error>

namespace warden::internal {

// Throws a std::system_error with the code, whose what() is the message; where exceptions are off, prints the message
// to stderr and aborts.
[[noreturn]] void throw_system_error(std::error_code code, const std::string& message);

}  // namespace warden::internal

// Defines what the header of `Error` declares. REQUIRES: make_error_code(const Error&), Error::to_string().
#define WARDEN_DEFINE_THROW_AND_PRINT(Error)                                 \
  void outcome_throw_as_system_error_with_payload(const Error& error) {      \
    internal::throw_system_error(make_error_code(error), error.to_string()); \
  }                                                                          \
  std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.to_string(); }

// The same, for an error whose code is its member `code`.
#define WARDEN_DEFINE_ERROR(Error)                                           \
  std::error_code make_error_code(const Error& error) { return error.code; } \
  WARDEN_DEFINE_THROW_AND_PRINT(Error)

#endif  // WARDEN_LIB_BASE_THROW_ERROR_H_

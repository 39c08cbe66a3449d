// Throws one of our errors out of value() of a Result.
#ifndef WARDEN_LIB_BASE_THROW_ERROR_H_
#define WARDEN_LIB_BASE_THROW_ERROR_H_

#include <string>
#include <system_error>

namespace warden::internal {

// Throws std::system_error(code, message); where exceptions are off, prints both to stderr and aborts.
[[noreturn]] void throw_system_error(std::error_code code, const std::string& message);

}  // namespace warden::internal

#endif  // WARDEN_LIB_BASE_THROW_ERROR_H_

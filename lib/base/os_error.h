// An errno as an error code.
#ifndef WARDEN_LIB_BASE_OS_ERROR_H_
#define WARDEN_LIB_BASE_OS_ERROR_H_

#include <system_error>

namespace warden::internal {

inline std::error_code os_error(int error) { return {error, std::generic_category()}; }

}  // namespace warden::internal

#endif  // WARDEN_LIB_BASE_OS_ERROR_H_

// Whether a call can be made on a handle.
#ifndef WARDEN_LIB_CHILD_HANDLE_CHECK_H_
#define WARDEN_LIB_CHILD_HANDLE_CHECK_H_

#include <system_error>

#include "lib/child/handle.h"
#include "warden/error.h"

namespace warden::internal {

// Why nothing can be done with the handle; no error when it can be used.
inline std::error_code why_unusable(const Handle* handle) {
  if (handle == nullptr) return Errc::kEmptyHandle;
  if (!is_this_process(handle->owner)) return Errc::kNotOwner;
  return {};
}

// The same for a call that waits for the child: a callback of its output would keep the child from what it waits for.
inline std::error_code why_unusable_for_waiting(const Handle* handle) {
  if (const std::error_code error = why_unusable(handle)) return error;
  if (handle->output != nullptr && handle->output->is_this_thread()) return Errc::kWouldDeadlock;
  return {};
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_HANDLE_CHECK_H_

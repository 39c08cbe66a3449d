// Checks of arguments that several calls take.
#ifndef WARDEN_LIB_BASE_ARGUMENT_CHECK_H_
#define WARDEN_LIB_BASE_ARGUMENT_CHECK_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "warden/error.h"
#include "warden/signal.h"
#include "warden/timeout.h"

namespace warden::internal {

inline std::optional<InvalidArgument> check_duration(std::string field, Timeout value) {
  if (value.duration() >= absl::ZeroDuration()) return std::nullopt;
  return InvalidArgument{std::move(field), absl::FormatDuration(value.duration()), "a duration must not be negative"};
}

inline std::optional<InvalidArgument> check_can_be_sent(std::string field, Signal signal) {
  if (signal.can_be_sent()) return std::nullopt;
  return InvalidArgument{std::move(field), signal.name(), "the number is reserved by the C library"};
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_BASE_ARGUMENT_CHECK_H_

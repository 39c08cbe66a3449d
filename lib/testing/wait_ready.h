// Waits until a child of a test is ready.
#ifndef WARDEN_LIB_TESTING_WAIT_READY_H_
#define WARDEN_LIB_TESTING_WAIT_READY_H_

#include <optional>
#include <string>

#include "warden/child.h"
#include "warden/testing/spawn_options.h"

namespace warden::testing::internal {

// Returns nothing when the child is ready, otherwise why not: "was not ready: its stdout had no line with 'listening'
// within 30s".
std::optional<std::string> wait_ready(warden::Child& child, const SpawnOptions& options);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_WAIT_READY_H_

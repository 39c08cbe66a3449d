// Names a child and its group for good, even when their numbers are reused, so that the guard can end them later.
#ifndef WARDEN_LIB_TESTING_GROUP_CLAIM_H_
#define WARDEN_LIB_TESTING_GROUP_CLAIM_H_

#include <optional>

#include "lib/os/pipe.h"
#include "lib/os/unique_fd.h"
#include "lib/supervise/supervised.h"
#include "lib/testing/guard_message.h"

namespace warden::testing::internal {

struct GroupClaim {
  GuardRequest::Kind kind = GuardRequest::Kind::kWatchProcess;
  warden::internal::UniqueFd pidfd;
  warden::internal::Pipe owned;  // for kWatchByOwner: the group owns the read end, and its signal is SIGKILL
};

// Returns 0 or an errno: ESRCH when the child has ended and its group cannot be named any more, EBADF when the child
// has no pidfd. Leaves the claim empty when the child and its whole group have ended.
int claim_group(warden::internal::Supervised& child, std::optional<GroupClaim>* claim);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_GROUP_CLAIM_H_

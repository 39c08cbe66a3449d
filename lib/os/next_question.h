// How long a thread may sleep for a descriptor before it asks again whether that is still ours (FileIdentity).
#ifndef WARDEN_LIB_OS_NEXT_QUESTION_H_
#define WARDEN_LIB_OS_NEXT_QUESTION_H_

#include <algorithm>

#include "absl/time/time.h"
#include "lib/os/deadline.h"
#include "lib/os/sys.h"

namespace warden::internal {

// When it wakes, poll(2) looks at the number again, and sleeps on where a file of the host has that by then.
inline TimePoint next_question(Sys& sys, TimePoint deadline) {
  return std::min(deadline, deadline_after(sys.now(), absl::Minutes(1)));
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_NEXT_QUESTION_H_

// The guard's own side: a process that outlives the test process until it has ended the children that are left.
#ifndef WARDEN_LIB_TESTING_GUARD_PROCESS_H_
#define WARDEN_LIB_TESTING_GUARD_PROCESS_H_

namespace warden::testing::internal {

// Starts the guard: a copy of this process, without its other threads. Sets its pid and a close-on-exec pidfd of it.
// Returns 0 or an errno.
// REQUIRES: all signals are blocked.
// `test_process`, `socket`: a pidfd of this process, and the guard's end of the socket pair (guard_message.h).
//
// The guard has the exit signal 0: the host gets no SIGCHLD for it, and only a wait with __WALL or __WCLONE sees it.
int start_guard_process(int test_process, int socket, int* pid, int* pidfd);

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_GUARD_PROCESS_H_

// The guard's own side: a process that outlives the test process for as long as it takes to end what that has left.
#ifndef WARDEN_LIB_TESTING_GUARD_PROCESS_H_
#define WARDEN_LIB_TESTING_GUARD_PROCESS_H_

namespace warden_testing::internal {

// Starts it: a copy of this process, without its threads. Sets the pid and a close-on-exec pidfd of it; 0, or an errno.
// REQUIRES: all signals are blocked.
// `test_process`, `socket`: a pidfd of this process, and the guard's end of the conversation (guard_message.h).
//
// The copy has an exit signal of 0: the host gets no SIGCHLD for it, and none of its waits sees it but with __WALL.
int start_guard_process(int test_process, int socket, int* pid, int* pidfd);

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_GUARD_PROCESS_H_

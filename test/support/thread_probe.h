// What the other threads of this process do.
#ifndef WARDEN_TEST_SUPPORT_THREAD_PROBE_H_
#define WARDEN_TEST_SUPPORT_THREAD_PROBE_H_

namespace warden::test_support {

// Whether the kernel has /proc/PID/syscall.
bool tells_system_calls();

// Waits until that many other threads of this process sleep in that system call; false after a minute.
// REQUIRES: tells_system_calls().
bool wait_until_threads_sleep_in(long call, int threads = 1);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_THREAD_PROBE_H_

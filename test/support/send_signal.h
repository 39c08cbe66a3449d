// The tests' own way to signal a process by its number.
#ifndef WARDEN_TEST_SUPPORT_SEND_SIGNAL_H_
#define WARDEN_TEST_SUPPORT_SEND_SIGNAL_H_

namespace warden::test_support {

// Calls kill(2) past the audit (kill_audit.cc), for processes that the audit cannot know: grandchildren, and this
// process itself. The caller ensures that the number is still theirs.
bool send_signal_by_number(int pid, int signal);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_SEND_SIGNAL_H_

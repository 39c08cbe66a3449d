// Changes to another user. It cannot be undone: only in run_isolated_unchecked.
#ifndef WARDEN_TEST_SUPPORT_OTHER_USER_H_
#define WARDEN_TEST_SUPPORT_OTHER_USER_H_

#include <sys/types.h>

#include <string>

namespace warden::test_support {

// Returns why become_other_user cannot work on this machine; empty when it can.
std::string why_no_other_user();

// Sets all three user and group ids, and drops all other groups. The process still dies with its parent, and can look
// at itself in /proc.
bool become_other_user(uid_t user);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_OTHER_USER_H_

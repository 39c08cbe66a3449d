// Runs a part of a test in a process of its own, for what cannot be undone or would hit the rest:
// closed standard streams, seccomp filters, limits of the user, another identity.
#ifndef WARDEN_TEST_SUPPORT_ISOLATED_H_
#define WARDEN_TEST_SUPPORT_ISOLATED_H_

#include <functional>

namespace warden::test_support {

// Forks, runs the body there with GoogleTest assertions as usual, and fails this test if one failed
// or if the body left anything behind that the leak listener looks at. REQUIRES: this process has
// one thread.
void run_isolated(const std::function<void()>& body);

// The same, without the check for what is left: for a body that changes its own process on purpose.
// It may look itself.
void run_isolated_unchecked(const std::function<void()>& body);

// In such a process: runs the body, and fails the test if that left anything behind.
void check_leaves_nothing(const std::function<void()>& body);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_ISOLATED_H_

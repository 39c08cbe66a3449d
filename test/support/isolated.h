// Runs a part of a test in a process of its own, for changes that cannot be undone or would affect other tests: closed
// standard streams, seccomp filters, limits of the user, another identity.
#ifndef WARDEN_TEST_SUPPORT_ISOLATED_H_
#define WARDEN_TEST_SUPPORT_ISOLATED_H_

#include <functional>

namespace warden::test_support {

// Forks and runs the body there with GoogleTest assertions as usual. This test fails if an assertion failed, or if the
// body left anything behind that the leak listener looks at. REQUIRES: this process has one thread.
void run_isolated(const std::function<void()>& body);

// The same, without the check for leftovers: for a body that changes its own process on purpose. The body may check by
// itself.
void run_isolated_unchecked(const std::function<void()>& body);

// In such a process: runs the body, and fails the test if that left anything behind.
void check_leaves_nothing(const std::function<void()>& body);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_ISOLATED_H_

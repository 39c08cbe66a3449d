// Runs a part of a test in a pid namespace of its own, where the next process can be given any free number.
#ifndef WARDEN_TEST_SUPPORT_PID_NAMESPACE_H_
#define WARDEN_TEST_SUPPORT_PID_NAMESPACE_H_

#include <functional>
#include <string>

namespace warden::test_support {

// Returns why run_in_pid_namespace cannot work on this machine; empty when it can.
std::string why_no_pid_namespace();

// Runs the body as run_isolated does, as the first process of a new pid namespace with a /proc of its own. Orphans
// become children of the body, which has to wait for them.
void run_in_pid_namespace(const std::function<void()>& body);
// The same, without the check for leftovers, as run_isolated_unchecked does.
void run_in_pid_namespace_unchecked(const std::function<void()>& body);

// In the namespace: gives the next process the first free number from this one on.
bool choose_next_pid(int pid);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PID_NAMESPACE_H_

// Runs a part of a test where /proc is not what a host expects, as the first process of a pid namespace or below it.
#ifndef WARDEN_TEST_SUPPORT_PROC_VIEW_H_
#define WARDEN_TEST_SUPPORT_PROC_VIEW_H_

#include <functional>
#include <string>

namespace warden::test_support {

enum class ProcView {
  kWhole,          // an ordinary /proc
  kCovered,        // an empty directory is mounted over it
  kUnmounted,      // nothing is mounted there
  kHidden,         // hidepid=2, for a user who sees only the processes that he may trace
  kHiddenInOwn,    // the same below a process 1 that is that user's, as in a rootless container
  kProcessesOnly,  // subset=pid: no loadavg, no sys
  kForeign,        // the /proc of the parent's pid namespace, with that namespace's numbers
};

enum class NamespaceRole {
  kInit,       // the first process: orphans become its children, and are not reaped before the body's end
  kBelowInit,  // below a first process that reaps orphans at once
};

// The user of kHidden and kHiddenInOwn, who may open files as root does.
inline constexpr int kHiddenUser = 4321;

// Returns why run_with_proc_view cannot work on this machine; empty when it can.
std::string why_no_proc_view(ProcView view);

// Runs the body as run_isolated does. The check for leftovers runs afterwards, with a /proc that shows them.
void run_with_proc_view(ProcView view, NamespaceRole role, const std::function<void()>& body);

// In kHidden and kHiddenInOwn: becomes root again, who sees every process; and the hidden user again. Existing threads
// change, too.
void become_root_again();
bool become_hidden_user();

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PROC_VIEW_H_

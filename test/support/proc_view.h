// Runs a part of a test where /proc is not what a host expects, as the first process of a pid namespace or below it.
#ifndef WARDEN_TEST_SUPPORT_PROC_VIEW_H_
#define WARDEN_TEST_SUPPORT_PROC_VIEW_H_

#include <functional>
#include <string>

namespace warden::test_support {

enum class ProcView {
  kWhole,          // as it should be
  kCovered,        // an empty directory is mounted over it
  kUnmounted,      // nothing is mounted there
  kHidden,         // hidepid=2, for a user who sees only what he may trace
  kProcessesOnly,  // subset=pid: no loadavg, no sys
  kForeign,        // that of the parent's pid namespace, with its numbers
};

enum class NamespaceRole {
  kInit,       // the first process: orphans are its children, which nobody waits for before the body's end
  kBelowInit,  // the first process waits for orphans at once
};

// The user of kHidden. Files are open to it as to root.
inline constexpr int kHiddenUser = 4321;

// Why run_with_proc_view cannot work on this machine; empty when it can.
std::string why_no_proc_view(ProcView view);

// As run_isolated. What is left behind is looked for afterwards, with a /proc that shows it.
void run_with_proc_view(ProcView view, NamespaceRole role, const std::function<void()>& body);

// In kHidden: root again, who sees everybody; and back. A thread that is there changes too.
void become_root_again();
bool become_hidden_user();

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_PROC_VIEW_H_

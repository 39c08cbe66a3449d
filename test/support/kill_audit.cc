// Replaces kill(2) in every process test: checks each target, then makes the C library's call. A target must be a child
// of this process, or the group that such a child was started to lead, and the child must be alive or a zombie at that
// moment: any other number could belong to a stranger. Where a thief is at work or SIGCHLD is ignored, the zombie may
// vanish between the library's own look and its call. Then a group that still has members passes, since they keep its
// number, and so does an empty group, since no process gets the signal.
//
// A wrong call is not made. It fails the running test; in a forked process, or outside a test, it ends the process. The
// audit is linked into the executable itself, so that it comes before the C library and before a sanitizer's
// interceptor.
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/support/send_signal.h"
#include "test/support/thief.h"

namespace warden::test_support {
namespace {

const pid_t main_process = ::getpid();

// Whether a thief at work, or the kernel where SIGCHLD is ignored, may take zombies.
bool zombies_may_be_taken() {
  struct sigaction current = {};
  ::sigaction(SIGCHLD, nullptr, &current);
  return Thief::is_at_work() || current.sa_handler == SIG_IGN || (current.sa_flags & SA_NOCLDWAIT) != 0;
}

// Whether there is a child with this number, whatever its exit signal. Before Linux 4.7 waitid(2) does not know __WALL.
bool has_child(id_t pid) {
  siginfo_t info = {};
  const int options = WEXITED | WNOHANG | WNOWAIT;
  return ::waitid(P_PID, pid, &info, options | __WALL) == 0 ||
         (errno == EINVAL && ::waitid(P_PID, pid, &info, options) == 0);
}

bool has_nobody(pid_t group) { return !send_signal_by_number(-group, 0) && errno == ESRCH; }

// Whether the group has a member of this session, which this process's children are born into, or of the group's own
// session.
bool has_member(pid_t group) {
  DIR* const processes = ::opendir("/proc");
  bool found = false;
  while (const dirent* entry = processes == nullptr || found ? nullptr : ::readdir(processes)) {
    const pid_t pid = ::atoi(entry->d_name);
    if (pid <= 1 || ::getpgid(pid) != group) continue;
    const pid_t session = ::getsid(pid);
    found = session == ::getsid(0) || session == group;
  }
  if (processes != nullptr) ::closedir(processes);
  return found;
}

// Returns what is wrong with the target, null for a right one. The text is static, since the process may be a forked
// copy of one with many threads.
const char* find_wrong(pid_t target) {
  if (target >= -1 && target <= 1) return "that is no single process or group";
  if (target == ::getpid() || target == -::getpgrp()) return "that is this process or its group";
  const id_t leader = target < 0 ? 0u - static_cast<id_t>(target) : static_cast<id_t>(target);
  if (has_child(leader)) return nullptr;
  if (target < 0 && zombies_may_be_taken() && (has_member(-target) || has_nobody(-target))) return nullptr;
  return "that is no child of this process, or reaped";
}

void report(pid_t target, int signal, const char* wrong) {
  if (::getpid() == main_process && ::testing::UnitTest::GetInstance()->current_test_info() != nullptr) {
    ADD_FAILURE() << "kill(" << target << ", " << signal << "): " << wrong;
    return;
  }
  char text[128];
  const int size = ::snprintf(text, sizeof text, "kill(%d, %d): %s\n", target, signal, wrong);
  if (::write(STDERR_FILENO, text, static_cast<size_t>(size)) != size) ::abort();
  ::abort();
}

}  // namespace
}  // namespace warden::test_support

extern "C" int kill(pid_t target, int signal) noexcept {
  const char* const wrong = warden::test_support::find_wrong(target);
  if (wrong == nullptr) return warden::test_support::send_signal_by_number(target, signal) ? 0 : -1;
  warden::test_support::report(target, signal, wrong);
  errno = ESRCH;
  return -1;
}

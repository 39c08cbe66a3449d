#include "test/support/proc_view.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/pid_namespace.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

constexpr int kPassed = 42;  // not what a stray exit would return

bool mount_proc(const char* options) { return ::mount("proc", "/proc", "proc", 0, options) == 0; }

// The namespace's own /proc is mounted over that of the parent namespace.
bool enter(ProcView view) {
  switch (view) {
    case ProcView::kWhole:
      return true;
    case ProcView::kCovered:
      return ::mount("none", "/proc", "tmpfs", 0, nullptr) == 0;
    case ProcView::kUnmounted:
      while (::umount2("/proc", MNT_DETACH) == 0) {
      }
      return ::access("/proc/1", F_OK) != 0;
    case ProcView::kHidden:
    case ProcView::kHiddenInOwn:
      return mount_proc("hidepid=2") && become_hidden_user();
    case ProcView::kProcessesOnly:
      return mount_proc("subset=pid");
    case ProcView::kForeign:
      return ::umount("/proc") == 0;
  }
  return false;
}

bool leave(ProcView view) {
  if (view == ProcView::kWhole) return true;
  if (view == ProcView::kUnmounted || view == ProcView::kForeign) return mount_proc(nullptr);
  if (view == ProcView::kHidden || view == ProcView::kHiddenInOwn) become_root_again();
  return ::umount2("/proc", MNT_DETACH) == 0;
}

void run_in_view(ProcView view, const std::function<void()>& body) {
  test_child_path();  // may use /proc, and is remembered
  ASSERT_TRUE(enter(view)) << "errno " << errno;
  body();
  ASSERT_TRUE(leave(view)) << "errno " << errno;
}

// Reaps until this process has no child left, which shows that all have ended. The orphans of a failed body end with
// the namespace.
void collect_orphans() {
  if (::testing::Test::HasFailure()) return;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    const pid_t collected = ::waitpid(-1, nullptr, WNOHANG);
    if (collected < 0 && errno == ECHILD) return;
    ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "an orphan lives on";
    if (collected == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Runs the body in a child of this process, which reaps orphans meanwhile, as the hidden user if asked to.
void run_below(bool as_hidden_user, const std::function<void()>& body) {
  ::fflush(nullptr);
  const pid_t helper = ::fork();
  ASSERT_GE(helper, 0);
  if (helper == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    check_leaves_nothing(body);
    ::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : kPassed);
  }
  if (as_hidden_user) {
    EXPECT_EQ(::setresuid(kHiddenUser, kHiddenUser, kHiddenUser), 0);
    ::prctl(PR_SET_DUMPABLE, 1);  // or /proc hides it, too
  }
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    ASSERT_TRUE(ended > 0 || errno == EINTR);
    if (ended != helper) continue;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == kPassed)
        << "failed below the init process, wait status " << status;
    break;
  }
  collect_orphans();
  if (!as_hidden_user) return;
  ::fflush(nullptr);
  ::_exit(::testing::Test::HasFailure() ? 1 : kPassed);  // as run_isolated does, without its check for the user
}

// Runs in a forked process: whether the view can be had.
bool try_view(ProcView view) {
  bool works = false;
  int said[2];
  if (::pipe(said) != 0) return false;
  run_in_pid_namespace([view, &said] {
    const char answer = enter(view) && leave(view) ? 'y' : 'n';
    EXPECT_EQ(::write(said[1], &answer, 1), 1);
    while (::umount2("/proc", MNT_DETACH) == 0) {
    }
    mount_proc(nullptr);
  });
  char answer = 'n';
  works = ::read(said[0], &answer, 1) == 1 && answer == 'y';
  ::close(said[0]);
  ::close(said[1]);
  return works;
}

}  // namespace

std::string why_no_proc_view(ProcView view) {
  std::string reason = why_no_pid_namespace();
  if (!reason.empty() || try_view(view)) return reason;
  switch (view) {
    case ProcView::kUnmounted:
      return "/proc cannot be unmounted (it is locked in a user namespace)";
    case ProcView::kHidden:
    case ProcView::kHiddenInOwn:
      return "needs to be root with another user mapped, and a /proc with hidepid=2";
    default:
      return "/proc cannot be mounted so";
  }
}

void run_with_proc_view(ProcView view, NamespaceRole role, const std::function<void()>& body) {
  run_in_pid_namespace([&] {
    if (role == NamespaceRole::kBelowInit) {
      run_below(view == ProcView::kHiddenInOwn, [&] { run_in_view(view, body); });
    } else {
      run_in_view(view, body);
      collect_orphans();
    }
  });
}

// The parent-death signal from before a change of user, which clears it (prctl(2)).
int death_signal_before = 0;

// Takes another user's identity that may still open all paths. The saved user leads back. The group of root would see
// every process (gid=, proc(5)).
bool become_hidden_user() {
  ::prctl(PR_GET_PDEATHSIG, &death_signal_before);
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kHiddenUser, kHiddenUser, 0) != 0) return false;
  if (::setresuid(kHiddenUser, kHiddenUser, 0) != 0) return false;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  data[0].effective = 1u << CAP_DAC_OVERRIDE;
  return ::syscall(SYS_capset, &header, data) == 0;
}

void become_root_again() {
  EXPECT_EQ(::setresuid(0, 0, 0), 0);
  EXPECT_EQ(::setresgid(0, 0, 0), 0);
  ::prctl(PR_SET_PDEATHSIG, death_signal_before);
  ::prctl(PR_SET_DUMPABLE, 1);
}

}  // namespace warden::test_support

#include "test/support/pid_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/support/isolated.h"

namespace warden::test_support {
namespace {

bool write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

// Makes the next child of this process the first of a new pid namespace.
bool unshare_pids() {
  if (::unshare(CLONE_NEWPID | CLONE_NEWNS) == 0) return true;
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) != 0) return false;
  write_file("/proc/self/setgroups", "deny");
  return write_file("/proc/self/uid_map", "0 " + user + " 1") && write_file("/proc/self/gid_map", "0 " + group + " 1");
}

bool mount_own_proc() {
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("proc", "/proc", "proc", 0, nullptr) == 0;
}

constexpr int kNoNamespace = 2, kNoProc = 3, kNoChoice = 4;

// Runs in a forked process: tries everything, and returns the exit code.
int try_everything() {
  if (!unshare_pids()) return kNoNamespace;
  const pid_t first = ::fork();
  if (first < 0) return kNoNamespace;
  if (first == 0) ::_exit(!mount_own_proc() ? kNoProc : !choose_next_pid(100) ? kNoChoice : 0);
  int status = 0;
  ::waitpid(first, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kNoNamespace;
}

}  // namespace

std::string why_no_pid_namespace() {
  const pid_t trial = ::fork();
  if (trial == 0) ::_exit(try_everything());
  int status = 0;
  ::waitpid(trial, &status, 0);
  switch (WIFEXITED(status) ? WEXITSTATUS(status) : kNoNamespace) {
    case 0:
      return "";
    case kNoProc:
      return "/proc cannot be mounted in a new pid namespace";
    case kNoChoice:
      return "/proc/sys/kernel/ns_last_pid cannot be written in a new pid namespace";
    default:
      return "no pid namespace can be made";
  }
}

void run_in_pid_namespace_unchecked(const std::function<void()>& body) {
  run_isolated_unchecked([&body] {
    ASSERT_TRUE(unshare_pids()) << "errno " << errno;
    run_isolated_unchecked([&body] {
      ASSERT_EQ(::getpid(), 1);
      ASSERT_TRUE(mount_own_proc()) << "errno " << errno;
      body();
    });
  });
}

void run_in_pid_namespace(const std::function<void()>& body) {
  run_in_pid_namespace_unchecked([&body] { check_leaves_nothing(body); });
}

bool choose_next_pid(int pid) { return write_file("/proc/sys/kernel/ns_last_pid", std::to_string(pid - 1)); }

}  // namespace warden::test_support

#include "warden/boost_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "lib/base/os_error.h"
#include "lib/child/child_access.h"
#include "lib/child/spawn_child.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/child_kill.h"
#include "lib/os/child_wait.h"
#include "lib/os/pipe.h"
#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "lib/spawn/close_descriptors.h"
#include "lib/spawn/launcher.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {
namespace {

using Error = boost::system::error_code;

// For everything but the program, its arguments and its environment.
Command command_of(const BoostImage& image) {
  Command command(image.executable);
  const auto stdio = [&image](int stream) {
    return image.stdio[stream] == stream ? Stdio::inherit() : Stdio::fd(image.stdio[stream]);
  };
  command.stdin_from(stdio(0)).stdout_to(stdio(1)).stderr_to(stdio(2));
  if (image.cwd != nullptr) command.cwd(image.cwd);
  for (const int fd : std::set<int>(image.kept.begin(), image.kept.end())) {
    if (fd > 2 && ::fcntl(fd, F_GETFD) >= 0) command.inherit_fd(fd);  // Boost, too, overlooks one that is not open
  }
  return command;
}

// What a forked child tells: the step that it is at, and the errno once that has failed.
struct Report {
  SpawnError::Step step = SpawnError::Step::kInitialise;
  int error = 0;
};

void tell(int fd, const Report& report) {
  while (::write(fd, &report, sizeof report) < 0 && errno == EINTR) {
  }
}

// The last report of a child. Returns when the child has executed or ended; false where there is none.
bool hear(int fd, Report* last) {
  bool heard = false;
  for (;;) {
    Report report;
    const ssize_t count = ::read(fd, &report, sizeof report);
    if (count < 0 && errno == EINTR) continue;
    if (count != sizeof report) return heard;
    heard = true;
    *last = report;
  }
}

int errno_of(const Error& error) {
  const bool is_errno =
      error.category() == boost::system::system_category() || error.category() == boost::system::generic_category();
  return is_errno ? error.value() : ECANCELED;
}

// False with errno. By the raw call, since no object of the library may refer to setpgid(2) (.ci/check_symbols).
bool lead_group() { return ::getpgrp() == ::getpid() || ::syscall(SYS_setpgid, 0, 0) == 0; }

}  // namespace

SpawnError boost_failure(SpawnError::Step step, const Error& code, const std::string& executable) {
  const bool is_errno = code.category() == boost::system::system_category();
  const std::error_code why = is_errno ? os_error(code.value()) : static_cast<std::error_code>(code);
  return failed_at(executable, step, why, executable);
}

Error boost_error(const SpawnError& error) {
  if (error.code.category() != std::generic_category()) return error.code;
  return {error.code.value(), boost::system::system_category()};
}

BoostChild::~BoostChild() {
  const CancellationGuard no_cancellation;
  if (pid_ >= 0) {
    kill_child(linux_sys(), {pid_, pidfd_});
    reap({pid_, pidfd_}, 0);
  }
  if (pidfd_ >= 0) ::close(pidfd_);
}

Result<BoostChild, SpawnError> launch_image(const BoostImage& image) {
  const CancellationGuard no_cancellation;
  const Command command = command_of(image).group(false);
  const ExecImage exec = {image.argv, image.envp};
  auto planned = make_spawn_plan(command, &exec);
  if (!planned) return std::move(planned).error();
  const LaunchResult launched = launch(*planned.value());
  if (launched.error != 0) return failed_launch(command.display_name(), *planned.value(), launched);
  return BoostChild(launched.child.pid, launched.child.pidfd);
}

Result<Child, SpawnError> spawn_image(const BoostImage& image) {
  const CancellationGuard no_cancellation;
  const ExecImage exec = {image.argv, image.envp};
  auto handle = spawn_child(linux_sys(), command_of(image), &exec);
  if (!handle) return std::move(handle).error();
  return ChildAccess::make(std::move(handle).value());
}

Result<Child, SpawnError> adopt_child(BoostChild child, const std::string& name) {
  Result<Child, SpawnError> adopted = Child::adopt(child.pid(), {name});
  // Where it is not ours any more, somebody else has reaped it.
  if (adopted || adopted.error().code == Errc::kNotAChild) child.release();
  return adopted;
}

struct BoostFork::Plan {
  std::string executable;
  const char* const* argv;
  const char* const* envp;
  bool leads_group;
  std::vector<int> kept;  // ascending
  Pipe report;
  int error = 0;  // of making the pipe
};

BoostFork::BoostFork(const BoostImage& image, bool leads_group)
    : plan_(new Plan{image.executable, image.argv, image.envp, leads_group, image.kept, {}}) {
  plan_->error = make_pipe(&plan_->report);
  plan_->kept.insert(plan_->kept.end(), {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, plan_->report.write_end.get()});
  std::sort(plan_->kept.begin(), plan_->kept.end());
}

BoostFork::~BoostFork() { delete plan_; }

int BoostFork::error() const { return plan_->error; }

void BoostFork::in_child(const BoostChildSide& side) noexcept {
  const int fd = plan_->report.write_end.get();
  Report report;
  Error why;
  try {
    why = side.on_exec_setup();
    report.error = errno_of(why);
    if (!why && plan_->leads_group && !lead_group()) report = {SpawnError::Step::kSetGroup, errno};
    if (report.error == 0) {
      int next = 0;
      for (const int kept : plan_->kept) {
        if (kept > next) close_descriptors(next, kept - 1);
        next = std::max(next, kept + 1);
      }
      close_descriptors(next, kLastDescriptor);
      report.step = SpawnError::Step::kExec;
      tell(fd, report);
      ::execve(plan_->executable.c_str(), const_cast<char* const*>(plan_->argv), const_cast<char* const*>(plan_->envp));
      report.error = errno;
    }
  } catch (...) {
    report.error = ECANCELED;
  }
  tell(fd, report);
  try {
    side.on_exec_error(why ? why : Error(report.error, boost::system::system_category()));
  } catch (...) {
  }
  ::_exit(127);
}

Result<BoostChild, SpawnError> BoostFork::in_parent(int pid, int fork_error) {
  const CancellationGuard no_cancellation;
  const std::string& name = plan_->executable;
  if (pid < 0) return failed_at(name, SpawnError::Step::kLaunch, os_error(fork_error));
  plan_->report.write_end.reset();
  BoostChild child(pid, -1);
  Report last;
  const bool heard = hear(plan_->report.read_end.get(), &last);
  if (heard && last.step == SpawnError::Step::kExec && last.error == 0) return child;
  child.release();
  reap({pid, -1}, 0);
  if (!heard) return failed_at(name, SpawnError::Step::kInitialise, Errc::kNotExecuted);
  return failed_at(name, last.step, os_error(last.error), last.step == SpawnError::Step::kExec ? name : std::string());
}

}  // namespace warden::internal

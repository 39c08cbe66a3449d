#include "warden/boost_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "lib/child/child_access.h"
#include "lib/child/spawn_child.h"
#include "lib/os/cancellation_guard.h"
#include "lib/os/unique_fd.h"
#include "lib/spawn/launcher.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {
namespace {

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

void collect(int pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<int, SpawnError> launch_image(const BoostImage& image) {
  const CancellationGuard no_cancellation;
  const Command command = command_of(image).group(false);
  const ExecImage exec = {image.argv, image.envp};
  auto planned = make_spawn_plan(command, &exec);
  if (!planned) return std::move(planned).error();
  const LaunchResult launched = launch(*planned.value());
  if (launched.error != 0) return failed_launch(command.display_name(), *planned.value(), launched);
  const UniqueFd pidfd(launched.child.pidfd);
  return launched.child.pid;
}

Result<Child, SpawnError> spawn_image(const BoostImage& image) {
  const CancellationGuard no_cancellation;
  const ExecImage exec = {image.argv, image.envp};
  auto handle = spawn_child(linux_sys(), command_of(image), &exec);
  if (!handle) return std::move(handle).error();
  return ChildAccess::make(std::move(handle).value());
}

int exec_error_of(int pid, int report) {
  const UniqueFd owned(report);
  int error = 0;
  ssize_t count = 0;
  do {
    count = ::read(report, &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof error) return 0;
  collect(pid);
  return error;
}

Result<Child, SpawnError> adopt_or_kill(int pid, const std::string& name) {
  Result<Child, SpawnError> child = Child::adopt(pid, {name});
  if (child || child.error().code == Errc::kNotAChild) return child;
  ::kill(-pid, SIGKILL);
  collect(pid);
  return child;
}

}  // namespace warden::internal

#include "lib/spawn/exec_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "lib/os/unique_fd.h"

namespace warden::internal {

FailureReport::FailureReport(bool own_memory) {
  if (!own_memory) return;
  void* page = ::mmap(nullptr, sizeof(ExecFailure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mapped_ = page != MAP_FAILED;
  failure_ = mapped_ ? static_cast<ExecFailure*>(page) : nullptr;
  if (mapped_) *failure_ = local_;
}

FailureReport::~FailureReport() {
  if (mapped_) ::munmap(failure_, sizeof(ExecFailure));
}

LaunchResult failed(int error) {
  LaunchResult result;
  result.error = error;
  return result;
}

LaunchResult failed(const ChildId& child, const volatile ExecFailure& failure) {
  if (child.pidfd >= 0) ::close(child.pidfd);
  LaunchResult result;
  result.was_killed = failure.error == 0;
  result.error = result.was_killed ? ECANCELED : failure.error;
  if (!result.was_killed) {
    result.step = failure.step;
    result.subject = failure.subject;
  } else if (failure.is_at_exec) {
    result.step = SpawnError::Step::kExec;
  }
  return result;
}

LaunchResult given_up(const ChildId& child, const volatile ExecFailure& failure) {
  LaunchResult result = failed(child, failure);
  if (!std::exchange(result.was_killed, false)) return result;
  result.error = ETIMEDOUT;
  if (!failure.is_at_exec) result.step = failure.step;
  result.subject = failure.subject;
  return result;
}

int make_exec_pipe(SpawnPlan* plan, Pipe* pipe) {
  if (const int error = make_pipe(pipe)) return error;
  const int above = plan->actions.back().target + 1;
  if (pipe->write_end.get() < above) {
    pipe->write_end.reset(::fcntl(pipe->write_end.get(), F_DUPFD_CLOEXEC, above));
    if (pipe->write_end.get() < 0) return errno;
  }
  plan->child.exec_pipe = pipe->write_end.get();
  plan->child.shares_table = false;
  return 0;
}

std::optional<bool> has_executed_since_fork(int pid) {
  constexpr unsigned kForkedNoExec = 0x40;  // PF_FORKNOEXEC (the kernel's linux/sched.h)
  char text[512];
  ::snprintf(text, sizeof text, "/proc/%d/stat", pid);
  const UniqueFd file(raise_above_stdio(UniqueFd(::open(text, O_RDONLY | O_CLOEXEC))));
  const ssize_t size = file.get() < 0 ? -1 : ::read(file.get(), text, sizeof text - 1);
  if (size <= 0) return std::nullopt;
  text[size] = '\0';
  const char* const name_end = ::strrchr(text, ')');
  unsigned flags = 0;
  if (name_end == nullptr || ::sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1) return std::nullopt;
  return (flags & kForkedNoExec) == 0;
}

}  // namespace warden::internal

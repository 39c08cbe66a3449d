#include "test/benchmark/tiny_child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iterator>

#include "test/benchmark/measure.h"

namespace warden::benchmark {
namespace {

int posix_spawn_with(const char* mode, const posix_spawn_file_actions_t* actions,
                     const posix_spawnattr_t* attributes = nullptr) {
  const char* const argv[] = {tiny_program().c_str(), mode, nullptr};
  pid_t pid = 0;
  errno = ::posix_spawn(&pid, argv[0], actions, attributes, const_cast<char* const*>(argv), environ);
  require(errno == 0, "posix_spawn");
  return pid;
}

int posix_spawn_with_stream(const char* mode, int fd, int target) {
  posix_spawn_file_actions_t actions;
  require(::posix_spawn_file_actions_init(&actions) == 0, "posix_spawn_file_actions_init");
  require(::posix_spawn_file_actions_adddup2(&actions, fd, target) == 0, "adddup2");
  const int pid = posix_spawn_with(mode, &actions);
  ::posix_spawn_file_actions_destroy(&actions);
  return pid;
}

}  // namespace

const std::string& tiny_program() {
  static const std::string* const path = [] {
    char resolved[PATH_MAX];
    require(::realpath("test/benchmark/tiny", resolved) != nullptr, "test/benchmark/tiny is not there");
    return new std::string(resolved);
  }();
  return *path;
}

Command tiny_command(const char* mode) {
  Command command(tiny_program());
  if (mode != nullptr) command.args({mode});
  return command;
}

int posix_spawn_tiny(const char* mode) { return posix_spawn_with(mode, nullptr); }

int posix_spawn_tiny_leader(const char* mode) {
  posix_spawnattr_t attributes;
  require(::posix_spawnattr_init(&attributes) == 0, "posix_spawnattr_init");
  require(::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0, "posix_spawnattr_setflags");
  const int pid = posix_spawn_with(mode, nullptr, &attributes);
  ::posix_spawnattr_destroy(&attributes);
  return pid;
}

int posix_spawn_tiny_reading(int stdin_fd) { return posix_spawn_with_stream("r", stdin_fd, STDIN_FILENO); }

int posix_spawn_tiny_writing(int stdout_fd) { return posix_spawn_with_stream("w", stdout_fd, STDOUT_FILENO); }

void waitpid_success(int pid) {
  int status = -1;
  require(::waitpid(pid, &status, 0) == pid, "waitpid");
  require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the baseline's child did not end with 0");
}

void kill_and_collect(int pid) {
  require(::kill(pid, SIGKILL) == 0, "kill");
  require(::waitpid(pid, nullptr, 0) == pid, "waitpid");
}

Child spawn_tiny(const Command& command) {
  Result<Child, SpawnError> child = Child::spawn(command);
  require(child.has_value(), "Child::spawn");
  return std::move(child).value();
}

void require_success(const ExitStatus& status) { require(status == ExitStatus::exited(0), "not an exit with 0"); }

void require_complete(const TerminationReport& report, Signal signal) {
  require(report.status.signal() == signal && !report.forced, "a child died of another signal");
  const AttemptOperation expected[] = {AttemptOperation::kCheckStatus, AttemptOperation::kSendSignal,
                                       AttemptOperation::kSendSignal, AttemptOperation::kWaitForExit,
                                       AttemptOperation::kSweep};
  require(report.attempts.size() == std::size(expected), "the log is not complete");
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    require(report.attempts[i].operation == expected[i], "the log has another order");
  }
  require(report.attempts[4].result == AttemptResult::kOk, "the group was not found empty");
}

double warden_run_each(const Command& command, int count) {
  const double total = microseconds_of([&] {
    for (int i = 0; i < count; ++i) {
      Child child = spawn_tiny(command);
      require_success(child.wait().value());
    }
  });
  return total / count;
}

double posix_run_each(int count) {
  const double total = microseconds_of([&] {
    for (int i = 0; i < count; ++i) waitpid_success(posix_spawn_tiny());
  });
  return total / count;
}

}  // namespace warden::benchmark

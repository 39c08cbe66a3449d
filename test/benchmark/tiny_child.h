// Starts the tiny child by the system's own means and by warden.
#ifndef WARDEN_TEST_BENCHMARK_TINY_CHILD_H_
#define WARDEN_TEST_BENCHMARK_TINY_CHILD_H_

#include <string>

#include "warden/warden.h"

namespace warden::benchmark {

// Returns the absolute path of the tiny program.
const std::string& tiny_program();

// Returns a command for it; without a mode the program exits at once.
Command tiny_command(const char* mode = nullptr);

// Starts it with posix_spawn(3) without attributes and returns its pid.
int posix_spawn_tiny(const char* mode = nullptr);
// The same, with the child as the leader of a process group of its own.
int posix_spawn_tiny_leader(const char* mode);
// The same, with this descriptor as the child's stdin.
int posix_spawn_tiny_reading(int stdin_fd);
// The same, with this descriptor as the child's stdout, to which the child writes 1 GiB.
int posix_spawn_tiny_writing(int stdout_fd);

// Reaps the child with waitpid(2) and requires that it exited with 0.
void waitpid_success(int pid);

// Ends a child that waits for a signal with SIGKILL, and reaps it.
void kill_and_collect(int pid);

// Starts a child by warden and requires success.
Child spawn_tiny(const Command& command);

// Requires that the status is an exit with 0.
void require_success(const ExitStatus& status);

// Requires that the child died of that signal and no other, and that the log is complete: the look at its status, the
// signal, SIGCONT, the wait, and the look that found the group empty.
void require_complete(const TerminationReport& report, Signal signal);

// Spawns, waits for and destroys `count` children, one after the other. Returns the microseconds for each.
double warden_run_each(const Command& command, int count);
double posix_run_each(int count);

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_TINY_CHILD_H_

// The tiny child, started by the system's own means or by warden.
#ifndef WARDEN_TEST_BENCHMARK_TINY_CHILD_H_
#define WARDEN_TEST_BENCHMARK_TINY_CHILD_H_

#include <string>

#include "warden/warden.h"

namespace warden::benchmark {

// The absolute path of the tiny program.
const std::string& tiny_program();

// A command for it; no mode: it ends at once.
Command tiny_command(const char* mode = nullptr);

// Starts it with posix_spawn(3), as it is called without attributes; the number.
int posix_spawn_tiny(const char* mode = nullptr);
// The same as the leader of a process group of its own.
int posix_spawn_tiny_leader(const char* mode);
// The same with this descriptor as its stdin.
int posix_spawn_tiny_reading(int stdin_fd);
// The same with this one as its stdout, into which it writes 1 GiB.
int posix_spawn_tiny_writing(int stdout_fd);

// Collects the child with waitpid(2), and requires that it ended with 0.
void waitpid_success(int pid);

// Ends one that waits for a signal with SIGKILL, and collects it.
void kill_and_collect(int pid);

// Starts one by warden and requires that this succeeds.
Child spawn_tiny(const Command& command);

// Requires that the status is an exit with 0.
void require_success(const ExitStatus& status);

// Requires that the child died of that signal and of no other, and that the log tells of everything: a look at its
// status, the signal, SIGCONT, the wait, and the look that found the group empty.
void require_complete(const TerminationReport& report, Signal signal);

// Spawns, waits for and destroys that many, each to the end before the next; microseconds for each.
double warden_run_each(const Command& command, int count);
double posix_run_each(int count);

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_TINY_CHILD_H_

// The system calls of the design and nothing else: the floor for any library that keeps the same promises.
#ifndef WARDEN_TEST_BENCHMARK_BARE_CALLS_H_
#define WARDEN_TEST_BENCHMARK_BARE_CALLS_H_

namespace warden::benchmark {

// The step that is left out: the difference is its cost.
enum class Without { kNothing, kThread, kDispositions };

// Starts, waits for and reaps the tiny program `count` times, each time beside a thread that is created before it and
// joined after it. Returns the microseconds for each.
double bare_run_each(int count, Without without = Without::kNothing);

// Opens a pidfd of a child of this process; close-on-exec.
int pidfd_of(int pid);

// Waits as warden does, by a poll and by a wait that returns the resource usage, for a child that exits with 0, and
// closes the pidfd. Returns the time when that was done, in microseconds.
double bare_wait(int pidfd);

// Ends `count` children that lead groups, each by a look, SIGTERM and SIGCONT to the group, the wait, and the check
// that the group is empty. Returns the microseconds for each.
double bare_terminate_each(int count);

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_BARE_CALLS_H_

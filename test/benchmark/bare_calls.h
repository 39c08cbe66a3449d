// The system calls of the design, and nothing else: what no library that keeps its promises can go below.
#ifndef WARDEN_TEST_BENCHMARK_BARE_CALLS_H_
#define WARDEN_TEST_BENCHMARK_BARE_CALLS_H_

namespace warden::benchmark {

// What is left out, to see what it costs.
enum class Without { kNothing, kThread, kDispositions };

// Starts the tiny program, waits for it and collects it, so many times, each beside a thread that is created before it
// and joined after it; microseconds for each.
double bare_run_each(int count, Without without = Without::kNothing);

// Of a child of ours; close-on-exec.
int pidfd_of(int pid);

// Waits for a child that ends with 0 as warden does, by a poll and a wait that hands over the resource usage, and
// closes the pidfd. When that was done, in microseconds.
double bare_wait(int pidfd);

// Ends children that lead groups, so many times: a look, SIGTERM and SIGCONT to the group, the wait, and the question
// whether the group is empty; microseconds for each.
double bare_terminate_each(int count);

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_BARE_CALLS_H_

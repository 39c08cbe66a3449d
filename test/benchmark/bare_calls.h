// The system calls of the design, and nothing else: what no library that keeps its promises can go below.
#ifndef WARDEN_TEST_BENCHMARK_BARE_CALLS_H_
#define WARDEN_TEST_BENCHMARK_BARE_CALLS_H_

namespace warden::benchmark {

// Starts the tiny program, waits for it and collects it, so many times, each beside a thread that is created before it
// and joined after it; microseconds for each.
double bare_run_each(int count);

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_BARE_CALLS_H_

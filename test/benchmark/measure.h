// Times two things in turn and compares them.
#ifndef WARDEN_TEST_BENCHMARK_MEASURE_H_
#define WARDEN_TEST_BENCHMARK_MEASURE_H_

#include <functional>
#include <vector>

namespace warden::benchmark {

// One measurement: does its work and returns the cost, in microseconds or in a unit of its own.
using Measurement = std::function<double()>;

struct Comparison {
  double ratio = 0;     // the median over the rounds
  double lowest = 0;    // the smallest ratio of a round
  double highest = 0;   // the largest
  double subject = 0;   // the median of the subject's measurements
  double baseline = 0;  // the median of the baseline's
};

// Measures both in each round and compares them round by round, so that a slow phase of the machine slows both. In a
// round the two take turns, in changing order, and the median of each one's turns counts. One more round comes first
// and does not count.
Comparison compare(int rounds, const Measurement& subject, const Measurement& baseline, int turns = 1);

double median_of(std::vector<double> values);

// Runs the measurement in a forked copy of this process.
double in_fresh_process(const Measurement& measurement);

// Returns the microseconds that `work` takes.
double microseconds_of(const std::function<void()>& work);

// Returns the time in microseconds on the monotonic clock.
double now_in_microseconds();

// Ends the benchmark because `what` did not hold and its figures would be worthless.
[[noreturn]] void give_up(const char* what);
inline void require(bool holds, const char* what) {
  if (!holds) give_up(what);
}

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_MEASURE_H_

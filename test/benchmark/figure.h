// One line of the table: what is measured, what it is compared with, and its limits.
#ifndef WARDEN_TEST_BENCHMARK_FIGURE_H_
#define WARDEN_TEST_BENCHMARK_FIGURE_H_

#include <vector>

#include "test/benchmark/measure.h"

namespace warden::benchmark {

struct Figure {
  const char* name;
  const char* what;
  const char* against;  // what the ratio compares with, or the unit of a figure that is no ratio
  double bar;           // for the pinned run; 0: no limit
  double goal;          // for the unpinned run; 0: the same as the bar, or no limit
  bool is_ratio;
  Comparison (*run)(int rounds);
  bool at_least = false;  // the bar and the goal are lower limits, not upper ones
};

// The figures of each file.
std::vector<Figure> spawn_figures();
std::vector<Figure> exit_figures();
std::vector<Figure> crowd_figures();
std::vector<Figure> termination_figures();
std::vector<Figure> contained_figures();
std::vector<Figure> memory_figures();
std::vector<Figure> capture_figures();
std::vector<Figure> boost_figures();
std::vector<Figure> tool_figures();

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_FIGURE_H_

// One line of the table: what is measured, against what, and what it may be.
#ifndef WARDEN_TEST_BENCHMARK_FIGURE_H_
#define WARDEN_TEST_BENCHMARK_FIGURE_H_

#include <vector>

#include "test/benchmark/measure.h"

namespace warden::benchmark {

struct Figure {
  const char* name;
  const char* what;
  const char* against;  // what the ratio is to, or the unit of a figure that is none
  double bar;           // pinned; 0 where there is none
  double goal;          // unpinned; 0 where it is the bar, or there is none either
  bool is_ratio;
  Comparison (*run)(int rounds);
  bool at_least = false;  // the bar and the goal are what it has to reach, and not what it may be at most
};

// The figures of each file.
std::vector<Figure> spawn_figures();
std::vector<Figure> exit_figures();
std::vector<Figure> crowd_figures();
std::vector<Figure> termination_figures();
std::vector<Figure> memory_figures();
std::vector<Figure> capture_figures();
std::vector<Figure> boost_figures();

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_FIGURE_H_

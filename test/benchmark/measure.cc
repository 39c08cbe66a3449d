#include "test/benchmark/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace warden::benchmark {

double median_of(std::vector<double> values) {
  require(!values.empty(), "there are no values to take the median of");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double now_in_microseconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double microseconds_of(const std::function<void()>& work) {
  const double begun = now_in_microseconds();
  work();
  return now_in_microseconds() - begun;
}

namespace {

// What one round says.
struct Round {
  double subject = 0;
  double baseline = 0;
};

Round measure_round(const Measurement& subject, const Measurement& baseline, int turns, bool subject_first) {
  std::vector<double> subjects, baselines;
  for (int turn = 0; turn < turns; ++turn, subject_first = !subject_first) {
    if (subject_first) subjects.push_back(subject());
    baselines.push_back(baseline());
    if (!subject_first) subjects.push_back(subject());
  }
  return {median_of(std::move(subjects)), median_of(std::move(baselines))};
}

}  // namespace

Comparison compare(int rounds, const Measurement& subject, const Measurement& baseline, int turns) {
  measure_round(subject, baseline, turns, true);
  std::vector<double> subjects, baselines, ratios;
  for (int round = 0; round < rounds; ++round) {
    const Round measured = measure_round(subject, baseline, turns, round % 2 == 0);
    subjects.push_back(measured.subject);
    baselines.push_back(measured.baseline);
    ratios.push_back(measured.subject / measured.baseline);
  }
  Comparison result;
  result.ratio = median_of(ratios);
  result.lowest = *std::min_element(ratios.begin(), ratios.end());
  result.highest = *std::max_element(ratios.begin(), ratios.end());
  result.subject = median_of(subjects);
  result.baseline = median_of(baselines);
  return result;
}

double in_fresh_process(const Measurement& measurement) {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  const int pid = ::fork();
  require(pid >= 0, "fork");
  if (pid == 0) {
    const double value = measurement();
    ::_exit(::write(ends[1], &value, sizeof value) == sizeof value ? 0 : 1);
  }
  ::close(ends[1]);
  double value = 0;
  require(::read(ends[0], &value, sizeof value) == sizeof value, "the fresh process gave no figure");
  ::close(ends[0]);
  require(::waitpid(pid, nullptr, 0) == pid, "waitpid");
  return value;
}

void give_up(const char* what) {
  ::fprintf(stderr, "speed: %s (errno %d, %s)\n", what, errno, ::strerror(errno));
  ::exit(1);
}

}  // namespace warden::benchmark

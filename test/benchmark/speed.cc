// Prints the table of docs/performance.md with this machine's figures.
// Usage: speed [--rounds=N] [FIGURE...]; speed --list
//
// Each figure is measured in a process of its own: first pinned to one processor, which shows the work, then on all of
// them, which shows the wake-ups that cross processors.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "test/benchmark/figure.h"
#include "warden/warden.h"

namespace warden::benchmark {
namespace {

std::vector<Figure> all_figures() {
  std::vector<Figure> all;
  for (const auto& some : {spawn_figures(), exit_figures(), crowd_figures(), termination_figures(), contained_figures(),
                           memory_figures(), capture_figures(), boost_figures(), tool_figures()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

const Figure& figure_named(const std::string& name) {
  static const std::vector<Figure>* const all = new std::vector<Figure>(all_figures());
  for (const Figure& figure : *all) {
    if (figure.name == name) return figure;
  }
  ::fprintf(stderr, "speed: there is no figure %s; --list names them\n", name.c_str());
  ::exit(2);
}

void pin_to_one_processor() {
  cpu_set_t allowed, one;
  require(::sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  CPU_ZERO(&one);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) last = cpu;
  }
  CPU_SET(last, &one);
  require(::sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

// Runs in the figure's own process.
int measure_one(const std::string& name, bool pinned, int rounds) {
  if (pinned) pin_to_one_processor();
  const Comparison result = figure_named(name).run(rounds);
  require(::write(STDOUT_FILENO, &result, sizeof result) == sizeof result, "write");
  return 0;
}

Comparison measure_apart(const Figure& figure, bool pinned, int rounds) {
  int ends[2];
  require(::pipe(ends) == 0, "pipe");
  Command command("/proc/self/exe");
  command.args({"--measure", figure.name, pinned ? "pinned" : "unpinned", std::to_string(rounds)})
      .stdout_to(Stdio::fd(ends[1]));
  Result<Child, SpawnError> child = Child::spawn(command);
  require(child.has_value(), "cannot start the process of a figure");
  ::close(ends[1]);
  const ExitStatus status = child.value().wait().value();
  Comparison result;
  const bool complete = ::read(ends[0], &result, sizeof result) == sizeof result;
  ::close(ends[0]);
  require(status == ExitStatus::exited(0) && complete, figure.name);
  return result;
}

void print_value(const Figure& figure, const Comparison& result) {
  if (figure.is_ratio) {
    ::printf(" %5.2f (%.2f-%.2f)", result.ratio, result.lowest, result.highest);
  } else {
    ::printf(" %5.1f (%.1f-%.1f) %s", result.ratio, result.lowest, result.highest, figure.against);
  }
}

// Returns the bar for the pinned run and the goal for the unpinned one; 0: no limit.
void print_verdict(const Figure& figure, const Comparison& result, double limit) {
  if (limit == 0) return;
  const bool is_met = figure.at_least ? result.ratio >= limit : result.ratio <= limit;
  ::printf(is_met ? ", met" : ", NOT MET");
}

void print_limits(const Figure& figure) {
  const char* const sign = figure.at_least ? ">=" : "<=";
  if (figure.bar != 0) ::printf(" %s %g", sign, figure.bar);
  if (figure.goal != 0) ::printf(" (%s %g)", sign, figure.goal);
  ::printf(" |");
}

void print_row(const Figure& figure, int rounds) {
  ::printf("| %s | %s |", figure.what, figure.is_ratio ? figure.against : "");
  print_limits(figure);
  for (const bool pinned : {true, false}) {
    const Comparison result = measure_apart(figure, pinned, rounds);
    print_value(figure, result);
    print_verdict(figure, result, pinned ? figure.bar : figure.goal);
    ::printf(" |");
    ::fflush(stdout);
  }
  ::printf("\n");
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 4 && arguments[0] == "--measure") {
    return measure_one(arguments[1], arguments[2] == "pinned", ::atoi(arguments[3].c_str()));
  }
  int rounds = 7;
  std::vector<Figure> chosen;
  for (const std::string& argument : arguments) {
    if (argument == "--list") {
      for (const Figure& figure : all_figures()) ::printf("%s: %s\n", figure.name, figure.what);
      return 0;
    }
    if (argument.rfind("--rounds=", 0) == 0) {
      rounds = ::atoi(argument.c_str() + ::strlen("--rounds="));
      require(rounds >= 5, "--rounds must be at least 5");
    } else {
      chosen.push_back(figure_named(argument));
    }
  }
  ::printf("| figure | against | bar, pinned (unpinned goal) | pinned | unpinned |\n|---|---|---|---|---|\n");
  ::fflush(stdout);
  for (const Figure& figure : chosen.empty() ? all_figures() : chosen) print_row(figure, rounds);
  return 0;
}

}  // namespace
}  // namespace warden::benchmark

int main(int argc, char** argv) { return warden::benchmark::run({argv + 1, argv + argc}); }

// The tool's start-up: what it costs to run a program through it.
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "test/benchmark/figure.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

constexpr int kTurns = 101;

std::string resolved(const char* path) {
  char absolute[PATH_MAX];
  require(::realpath(path, absolute) != nullptr, path);
  return absolute;
}

// Runs the tiny program through `words`, and returns the microseconds.
double run_through(std::vector<std::string> words) {
  words.push_back(tiny_program());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return microseconds_of([&] {
    pid_t pid = 0;
    require(::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ) == 0, argv[0]);
    waitpid_success(pid);
  });
}

double timeout_run() { return run_through({"timeout", "60"}); }

Comparison tool_run(int rounds, const char* path) {
  const std::string tool = resolved(path);
  return compare(
      rounds,
      [&] {
        return run_through({tool, "run", "--timeout=60s", "--"});
      },
      timeout_run, kTurns);
}

Comparison dynamic_tool(int rounds) { return tool_run(rounds, "lib/tool/warden_cli"); }
Comparison static_tool(int rounds) { return tool_run(rounds, "test/benchmark/static_tool"); }

}  // namespace

std::vector<Figure> tool_figures() {
  return {
      {"tool", "a program through the tool", "coreutils' timeout", 0, 0, true, dynamic_tool},
      {"tool_static", "a program through the static tool", "coreutils' timeout", 0, 0, true, static_tool},
  };
}

}  // namespace warden::benchmark

// Spawn, wait, destroy: the cost to a parent, with and without other loads on it.
#include "test/benchmark/bare_calls.h"
#include "test/benchmark/figure.h"
#include "test/benchmark/parent_state.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

// Children in a turn, and turns in a round: short turns, since a shared machine changes its speed often.
constexpr int kEach = 50;
constexpr int kTurns = 101;
// Children in a turn that needs a long preparation.
constexpr int kEachOfLong = 500;
constexpr std::size_t kMiB = 1024 * 1024;

Comparison against_posix_spawn(int rounds) {
  const TouchedHeap heap(10 * kMiB);
  const Command command = tiny_command();
  return compare(
      rounds, [&] { return warden_run_each(command, kEach); }, [] { return posix_run_each(kEach); }, kTurns);
}

template <Without without>
Comparison bare_against_posix_spawn(int rounds) {
  const TouchedHeap heap(10 * kMiB);
  return compare(
      rounds, [] { return bare_run_each(kEach, without); }, [] { return posix_run_each(kEach); }, kTurns);
}

// Compares the cost in a parent with that much memory with the cost in the same parent without it.
Comparison with_heap(int rounds, std::size_t bytes) {
  const TouchedHeap small(10 * kMiB);
  const Command command = tiny_command();
  const auto heavy = [&] {
    const TouchedHeap heap(bytes);
    return warden_run_each(command, kEachOfLong);
  };
  return compare(rounds, heavy, [&] { return warden_run_each(command, kEachOfLong); });
}

Comparison with_1_gib(int rounds) { return with_heap(rounds, 1024 * kMiB); }
Comparison with_4_gib(int rounds) { return with_heap(rounds, 4096 * kMiB); }

Comparison with_files(int rounds, const Command& command) {
  const auto many = [&] {
    const OpenFiles files(10'000);
    return warden_run_each(command, kEachOfLong);
  };
  const auto few = [&] {
    const OpenFiles files(10);
    return warden_run_each(command, kEachOfLong);
  };
  return compare(rounds, many, few);
}

Comparison inherited_streams(int rounds) { return with_files(rounds, tiny_command()); }

Comparison null_streams(int rounds) {
  return with_files(rounds, tiny_command().stdin_from(Stdio::null()).stdout_to(Stdio::null()).stderr_to(Stdio::null()));
}

Comparison captured_stdout(int rounds) { return with_files(rounds, tiny_command().stdout_to(Stdio::capture())); }

}  // namespace

std::vector<Figure> spawn_figures() {
  return {
      {"spawn", "spawn, wait, destroy, 10 MB parent", "posix_spawn + waitpid", 1.15, 1.6, true, against_posix_spawn},
      {"spawn_bare", "the bare calls of the same design", "posix_spawn + waitpid", 0, 0, true,
       bare_against_posix_spawn<Without::kNothing>},
      {"spawn_bare_thread", "those without the thread", "posix_spawn + waitpid", 0, 0, true,
       bare_against_posix_spawn<Without::kThread>},
      {"spawn_bare_looks", "those without the looks at dispositions", "posix_spawn + waitpid", 0, 0, true,
       bare_against_posix_spawn<Without::kDispositions>},
      {"spawn_1_gib", "the same from 1 GiB of touched heap", "from 10 MB", 1.3, 0, true, with_1_gib},
      {"spawn_4_gib", "the same from 4 GiB", "from 10 MB", 1.3, 0, true, with_4_gib},
      {"spawn_files", "with 10,000 open files, inherited stdio", "with 10", 1.3, 0, true, inherited_streams},
      {"spawn_files_null", "with 10,000 open files, null stdio", "with 10", 1.3, 0, true, null_streams},
      {"spawn_files_capture", "with 10,000 open files, captured stdout", "with 10", 1.5, 0, true, captured_stdout},
  };
}

}  // namespace warden::benchmark

// The memory that a live child costs its parent and the system.
#include <stdio.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test/benchmark/figure.h"
#include "test/benchmark/memory_group.h"
#include "test/benchmark/parent_state.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

constexpr int kChildren = 1'000;
constexpr int kCounted = 300;

struct Memory {
  double resident_kib = 0;
  double address_space_kib = 0;
  double available_kib = 0;  // of the whole system
};

Memory memory_now() {
  Memory memory;
  std::ifstream statm("/proc/self/statm");
  statm >> memory.address_space_kib >> memory.resident_kib;
  const double page_kib = static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
  memory.address_space_kib *= page_kib;
  memory.resident_kib *= page_kib;
  std::ifstream meminfo("/proc/meminfo");
  std::string word;
  while (meminfo >> word && word != "MemAvailable:") {
  }
  meminfo >> memory.available_kib;
  require(memory.resident_kib > 0 && memory.available_kib > 0, "no figures of memory in /proc");
  return memory;
}

// What `measure` says before and while `count` children live.
template <class Measure>
auto around_crowd(const Command& command, int count, std::chrono::milliseconds settled_after, Measure measure) {
  std::vector<Child> children;
  children.reserve(static_cast<std::size_t>(count));
  const auto before = measure();
  for (int i = 0; i < count; ++i) children.push_back(spawn_tiny(command));
  std::this_thread::sleep_for(settled_after);
  const auto with = measure();
  for (const auto& ended : terminate_all(children, TerminationPolicy::immediate())) {
    require(ended.has_value(), "a live child could not be ended");
  }
  return std::make_pair(before, with);
}

// One child before them pays what only a process's first child costs: the library's code is loaded.
void pay_for_first_child(const Command& command) {
  require(spawn_tiny(command).kill().has_value(), "the first child could not be ended");
}

// Returns what a thousand live children add, divided by their number.
Memory cost_of_child(const Command& command) {
  pay_for_first_child(tiny_command("p"));
  // Until the reapers block in their waits.
  const auto [before, with] = around_crowd(command, kChildren, std::chrono::milliseconds(20), memory_now);
  return {(with.resident_kib - before.resident_kib) / kChildren,
          (with.address_space_kib - before.address_space_kib) / kChildren,
          (before.available_kib - with.available_kib) / kChildren};
}

// Returns what the same number of unsupervised children costs the system.
double system_cost_of_bare_child() {
  std::vector<int> pids;
  const Memory before = memory_now();
  for (int i = 0; i < kChildren; ++i) pids.push_back(posix_spawn_tiny("p"));
  const Memory with = memory_now();
  for (const int pid : pids) kill_and_collect(pid);
  return (before.available_kib - with.available_kib) / kChildren;
}

// The C library keeps the stacks of threads that have ended, so only the first crowd of a process pays for them: each
// round runs in a process of its own.
Comparison in_fresh_processes(int rounds, const Measurement& measurement) {
  allow_many_files();
  return compare(
      rounds, [&] { return in_fresh_process(measurement); }, [] { return 1.0; });
}

Command plain() { return tiny_command("p"); }
Command contained() { return tiny_command("p").containment(Containment::kTree); }
Command captured() { return tiny_command("p").stdout_to(Stdio::capture()); }

template <Command (*command)()>
Comparison resident(int rounds) {
  return in_fresh_processes(rounds, [] { return cost_of_child(command()).resident_kib; });
}

template <Command (*command)()>
Comparison address_space(int rounds) {
  return in_fresh_processes(rounds, [] { return cost_of_child(command()).address_space_kib; });
}

template <Command (*command)()>
Comparison system_wide(int rounds) {
  return in_fresh_processes(rounds, [] {
    const double bare = system_cost_of_bare_child();
    return cost_of_child(command()).available_kib - bare;
  });
}

double counted_cost(const Command& command) {
  return in_fresh_process([&] {
    const MemoryGroup group;
    pay_for_first_child(command);
    // Until what the starts have freed is free.
    const auto [before, with] =
        around_crowd(command, kCounted, std::chrono::milliseconds(300), [&] { return group.kib(); });
    return (with - before) / kCounted;
  });
}

// What a tree costs above a child in a group. The kernel counts it, since the free memory of the whole machine changes
// by more.
Comparison system_wide_tree(int rounds) {
  allow_many_files();
  return compare(
      rounds, [] { return counted_cost(contained()) - counted_cost(plain()); }, [] { return 1.0; });
}

}  // namespace

std::vector<Figure> memory_figures() {
  return {
      {"resident", "memory per live child, resident", "KiB", 10, 0, false, resident<plain>},
      {"address_space", "memory per live child, address space", "KiB", 96, 0, false, address_space<plain>},
      {"system_wide", "memory per live child, system-wide, above the child's own", "KiB", 0, 0, false,
       system_wide<plain>},
      {"system_wide_tree", "memory per live tree, system-wide, above a child in a group", "KiB", 95, 0, false,
       system_wide_tree},
      {"resident_capture", "with captured stdout, resident", "KiB", 0, 0, false, resident<captured>},
      {"address_space_capture", "with captured stdout, address space", "KiB", 0, 0, false, address_space<captured>},
      {"system_wide_capture", "with captured stdout, system-wide", "KiB", 0, 0, false, system_wide<captured>},
  };
}

}  // namespace warden::benchmark

// Ten thousand children at once.
#include "test/benchmark/epoll_design.h"
#include "test/benchmark/figure.h"
#include "test/benchmark/parent_state.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

constexpr int kMany = 10'000;

std::vector<Child> spawn_many() {
  std::vector<Child> children;
  const Command command = tiny_command("p");
  for (int i = 0; i < kMany; ++i) children.push_back(spawn_tiny(command));
  return children;
}

void spawn_many(EpollDesign* design) {
  const Command command = tiny_command("p");
  for (int i = 0; i < kMany; ++i) design->spawn(command);
}

void terminate_many(std::vector<Child>& children) {
  for (const auto& ended : terminate_all(children, TerminationPolicy::service(absl::Seconds(60)))) {
    require(ended.has_value(), "terminate_all");
    require_complete(ended.value(), Signal::terminate());
  }
}

Comparison spawn_all(int rounds) {
  allow_many_files();
  const auto by_warden = [] {
    std::vector<Child> children;
    const double taken = microseconds_of([&] { children = spawn_many(); });
    terminate_many(children);
    return taken;
  };
  const auto by_epoll = [] {
    EpollDesign design;
    const double taken = microseconds_of([&] { spawn_many(&design); });
    design.terminate_all();
    return taken;
  };
  return compare(rounds, by_warden, by_epoll);
}

Comparison terminate_all_of(int rounds) {
  allow_many_files();
  const auto by_warden = [] {
    std::vector<Child> children = spawn_many();
    return microseconds_of([&] { terminate_many(children); });
  };
  const auto by_epoll = [] {
    EpollDesign design;
    spawn_many(&design);
    return microseconds_of([&] { design.terminate_all(); });
  };
  return compare(rounds, by_warden, by_epoll);
}

}  // namespace

std::vector<Figure> crowd_figures() {
  return {
      {"spawn_all", "spawn all of 10,000", "epoll thread, same launcher", 1.4, 0, true, spawn_all},
      {"terminate_all", "terminate_all of 10,000 obedient", "the same epoll design", 2.5, 0, true, terminate_all_of},
  };
}

}  // namespace warden::benchmark

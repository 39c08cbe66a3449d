// Measures Boost.Process, which warden depends on, in warden's place.
#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/process.hpp>
#include <chrono>

// Version 1 has moved in Boost 1.88.
#if __has_include(<boost/process/v1/child.hpp>)
#include <boost/process/v1/child.hpp>
namespace process_v1 = boost::process::v1;
#else
#include <boost/process/child.hpp>
namespace process_v1 = boost::process;
#endif

#include "test/benchmark/figure.h"
#include "test/benchmark/parent_state.h"
#include "test/benchmark/tiny_child.h"
#include "warden/boost_process.h"
#include "warden/command.h"

namespace warden::benchmark {
namespace {

constexpr int kEach = 200;
constexpr std::size_t kMiB = 1024 * 1024;

double version_1_run_each() {
  const double total = microseconds_of([] {
    for (int i = 0; i < kEach; ++i) {
      process_v1::child child(tiny_program());
      child.wait();
      require(child.exit_code() == 0, "not an exit with 0");
    }
  });
  return total / kEach;
}

double version_2_run_each() {
  boost::asio::io_context context;
  const double total = microseconds_of([&] {
    for (int i = 0; i < kEach; ++i) {
      boost::process::v2::process child(context, tiny_program(), {});
      require(child.wait() == 0, "not an exit with 0");
    }
  });
  return total / kEach;
}

// Boost waits for what warden::launcher has launched.
double launcher_run_each() {
  boost::asio::io_context context;
  const std::vector<std::string> no_arguments;
  const double total = microseconds_of([&] {
    for (int i = 0; i < kEach; ++i) {
      auto child = warden::launcher{}(context, tiny_program(), no_arguments);
      require(child.wait() == 0, "not an exit with 0");
    }
  });
  return total / kEach;
}

Comparison with_launcher(int rounds) {
  const TouchedHeap heap(10 * kMiB);
  const Command command(tiny_program());
  return compare(rounds, launcher_run_each, [&command] { return warden_run_each(command, kEach); });
}

Comparison with_launcher_and_1_gib(int rounds) {
  const auto heavy = [] {
    const TouchedHeap heap(1024 * kMiB);
    return launcher_run_each();
  };
  return compare(rounds, heavy, launcher_run_each);
}

Comparison version_1(int rounds) {
  const TouchedHeap heap(10 * kMiB);
  return compare(rounds, version_1_run_each, [] { return posix_run_each(kEach); });
}

Comparison version_2(int rounds) {
  const TouchedHeap heap(10 * kMiB);
  return compare(rounds, version_2_run_each, [] { return posix_run_each(kEach); });
}

Comparison version_2_with_1_gib(int rounds) {
  const auto heavy = [] {
    const TouchedHeap heap(1024 * kMiB);
    return version_2_run_each();
  };
  return compare(rounds, heavy, version_2_run_each);
}

Comparison version_1_timed_wait(int rounds) {
  const auto once = [] {
    process_v1::child child(tiny_program());
    siginfo_t info = {};
    require(::waitid(P_PID, static_cast<id_t>(child.id()), &info, WEXITED | WNOWAIT) == 0, "waitid");
    return microseconds_of([&] { require(child.wait_for(std::chrono::seconds(10)), "a timed wait"); });
  };
  return compare(rounds, once, [] { return 1.0; });
}

}  // namespace

std::vector<Figure> boost_figures() {
  return {
      {"boost_v1", "Boost.Process v1: spawn, wait, destroy", "posix_spawn + waitpid", 0, 0, true, version_1},
      {"boost_v2", "Boost.Process v2: spawn, wait, destroy", "posix_spawn + waitpid", 0, 0, true, version_2},
      {"boost_v2_1_gib", "Boost.Process v2: the same from 1 GiB", "from 10 MB", 0, 0, true, version_2_with_1_gib},
      {"boost_launcher", "Boost.Process v2 with warden::launcher: spawn, wait, destroy", "Child::spawn", 1.3, 0, true,
       with_launcher},
      {"boost_launcher_1_gib", "Boost.Process v2 with warden::launcher: the same from 1 GiB", "from 10 MB", 1.3, 0,
       true, with_launcher_and_1_gib},
      {"boost_v1_dead", "Boost.Process v1: timed wait on the dead", "us", 0, 0, false, version_1_timed_wait},
  };
}

}  // namespace warden::benchmark

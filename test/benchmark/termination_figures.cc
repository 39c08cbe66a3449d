// The cost of terminate() for a child that obeys the first signal.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "test/benchmark/bare_calls.h"
#include "test/benchmark/figure.h"
#include "test/benchmark/tiny_child.h"

namespace warden::benchmark {
namespace {

// Children in a turn, and turns in a round.
constexpr int kEach = 25;
constexpr int kTurns = 101;

double warden_terminate() {
  const Command command = tiny_command("p");
  const TerminationPolicy policy = TerminationPolicy::service(absl::Seconds(10));
  double total = 0;
  for (int i = 0; i < kEach; ++i) {
    Child child = spawn_tiny(command);
    std::optional<TerminationReport> report;
    total += microseconds_of([&] { report = child.terminate_with_report(policy).value(); });
    require_complete(*report, Signal::terminate());
  }
  return total / kEach;
}

double kill_and_waitpid() {
  double total = 0;
  for (int i = 0; i < kEach; ++i) {
    const int pid = posix_spawn_tiny("p");
    int status = 0;
    total += microseconds_of([&] {
      require(::kill(pid, SIGTERM) == 0, "kill");
      require(::waitpid(pid, &status, 0) == pid, "waitpid");
    });
    require(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "the child was to die of SIGTERM");
  }
  return total / kEach;
}

Comparison against_kill(int rounds) { return compare(rounds, warden_terminate, kill_and_waitpid, kTurns); }

Comparison bare_against_kill(int rounds) {
  return compare(
      rounds, [] { return bare_terminate_each(kEach); }, kill_and_waitpid, kTurns);
}

constexpr int kCrowd = 3'000;

// Processes that do nothing, while it exists.
class Crowd {
 public:
  Crowd() {
    while (pids_.size() < kCrowd) pids_.push_back(start());
  }
  ~Crowd() {
    for (const int pid : pids_) ::kill(pid, SIGKILL);
    for (const int pid : pids_) ::waitpid(pid, nullptr, 0);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

 private:
  static int start() {
    const int pid = ::fork();
    require(pid >= 0, "fork");
    if (pid > 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }

  std::vector<int> pids_;
};

// A dead process in the group, which nobody collects meanwhile: then only /proc tells that nobody lives in it.
int put_corpse_into(int group) {
  const int pid = ::fork();
  require(pid >= 0, "fork");
  if (pid == 0) ::_exit(::setpgid(0, group) == 0 ? 0 : 1);
  siginfo_t info = {};
  require(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0 && info.si_status == 0, "setpgid");
  return pid;
}

double warden_terminate_with_corpse() {
  Child child = spawn_tiny(tiny_command("p"));
  const int corpse = put_corpse_into(child.pid());
  std::optional<TerminationReport> report;
  const double time = microseconds_of(
      [&] { report = child.terminate_with_report(TerminationPolicy::service(absl::Seconds(10))).value(); });
  require(!report->forced, "SIGKILL was not to be needed");
  require(::waitpid(corpse, nullptr, 0) == corpse, "waitpid");
  return time;
}

double plain_reading() {
  return microseconds_of([] {
    DIR* const proc = ::opendir("/proc");
    require(proc != nullptr, "opendir");
    int read = 0;
    while (const dirent* const entry = ::readdir(proc)) {
      const int fd = std::atoi(entry->d_name) == 0
                         ? -1
                         : ::open((std::string("/proc/") + entry->d_name + "/stat").c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      char text[1024];
      read += ::read(fd, text, sizeof text) > 0 ? 1 : 0;
      ::close(fd);
    }
    ::closedir(proc);
    require(read > kCrowd, "/proc was to show the crowd");
  });
}

Comparison beside_a_crowd(int rounds) {
  const Crowd crowd;
  return compare(rounds, warden_terminate_with_corpse, plain_reading, 11);
}

}  // namespace

std::vector<Figure> termination_figures() {
  return {
      {"terminate", "terminate() of an obedient child", "kill + waitpid", 1.5, 2.0, true, against_kill},
      {"terminate_crowded", "terminate() with an uncollected zombie, 3,000 other processes", "a plain reading of /proc",
       2.0, 2.0, true, beside_a_crowd},
      {"terminate_bare", "the bare calls of the same design", "kill + waitpid", 0, 0, true, bare_against_kill},
  };
}

}  // namespace warden::benchmark

#include "test/storm/keeper.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "test/storm/board.h"
#include "test/storm/observer.h"
#include "test/storm/random.h"

namespace storm {
namespace {

std::atomic<Bystander*> recorder{nullptr};

void record(int signal, siginfo_t* info, void*) {
  Bystander* const self = recorder;
  self->sender = info->si_pid;
  self->signals |= uint64_t{1} << (signal - 1);
}

// As fork(2), and with this number if it is not 0.
pid_t fork_as(int number) {
  if (number == 0) return ::fork();
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  const pid_t numbers[] = {number};
  arguments.set_tid = reinterpret_cast<uint64_t>(numbers);
  arguments.set_tid_size = 1;
  return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}

enum class Place { kKeepersGroup, kOwnGroup, kOwnSession };

[[noreturn]] void stand_by(Bystander& self, Place place) {
  recorder = &self;
  if (place == Place::kOwnGroup) ::setpgid(0, 0);
  if (place == Place::kOwnSession) ::setsid();
  while (!self.is_to_end && now_ns() < self.deadline_ns) nap(2'000'000);
  ::_exit(0);
}

class Keeper {
 public:
  Keeper(Yard& yard, uint64_t seed) : yard_(yard), random_(seed) {}

  void run(pid_t host) {
    yard_.bystanders[0].pid = ::getpid();
    yard_.bystanders[1].pid = host;
    for (int i = 0; i < 3; ++i) start(kFirstStaying + i, 0, static_cast<Place>(i), INT64_MAX);
    int64_t next_passing = 0;
    while (yard_.host_status < 0) {
      for (Desk& desk : yard_.desks) serve(desk);
      if (now_ns() > next_passing) {
        next_passing = now_ns() + 10'000'000;
        start_passing(0, now_ns() + (30 + random_.below(120)) * int64_t{1'000'000});
      }
      if (random_.one_in(6)) collect();  // late: orphans stay corpses for a while
      nap(300'000);
    }
    for (int i = 0; i < kFirstPassing; ++i) report(yard_.bystanders[i], 0);
  }

 private:
  pid_t start(int index, int number, Place place, int64_t deadline_ns) {
    Bystander& bystander = yard_.bystanders[index];
    bystander.is_to_end = false;
    bystander.deadline_ns = deadline_ns;
    bystander.signals = 0;
    bystander.worker = -1;
    const pid_t pid = fork_as(number);
    if (pid == 0) stand_by(bystander, place);
    bystander.pid = pid < 0 ? 0 : pid;
    return pid;
  }

  Bystander* start_passing(int number, int64_t deadline_ns) {
    for (int i = kFirstPassing; i < 40; ++i) {
      if (yard_.bystanders[i].pid != 0) continue;
      const Place place = number != 0 ? Place::kOwnGroup : static_cast<Place>(random_.below(3));
      return start(i, number, place, deadline_ns) > 0 ? &yard_.bystanders[i] : nullptr;
    }
    return nullptr;
  }

  void serve(Desk& desk) {
    const int worker = static_cast<int>(&desk - yard_.desks);
    if (const int number = desk.wanted_number; number != 0) {
      if (Bystander* const bystander = start_passing(number, now_ns() + kLifeNs)) {
        bystander->worker = worker;
        ++desk.taken;
        desk.wanted_number = 0;
      }
    }
    if (const int id = desk.tree_to_end; id != 0 && end_tree(std::to_string(id))) desk.tree_to_end = 0;
    if (!desk.is_to_release) return;
    bool released = true;
    for (Bystander& bystander : yard_.bystanders) {
      if (bystander.worker != worker) continue;
      bystander.is_to_end = true;
      released = false;
    }
    if (released) desk.is_to_release = false;
    collect();
  }

  // True when no process of it is left.
  static bool end_tree(const std::string& id) {
    const std::vector<Found> found = live_processes(id);
    for (const Found& one : found) {
      const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, one.pid, 0));
      if (pidfd < 0) continue;
      for (const Found& again : live_processes(id)) {  // the pidfd may be of another process of this number
        if (again.pid == one.pid && again.start == one.start) {
          ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
        }
      }
      ::close(pidfd);
    }
    return found.empty();
  }

  void collect() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
      for (int i = 1; i < 40; ++i) {
        if (yard_.bystanders[i].pid == pid) ended(i, status);
      }
    }
  }

  void ended(int index, int status) {
    Bystander& bystander = yard_.bystanders[index];
    if (index == 1) {
      if (!WIFSTOPPED(status)) yard_.host_status = status;
      return;
    }
    if (WIFSTOPPED(status)) {
      ++yard_.struck;
      say(bystander, "was stopped");
      ::kill(bystander.pid, SIGKILL);
      return;
    }
    report(bystander, status);
    bystander.signals = 0;
    bystander.worker = -1;
    bystander.pid = 0;
  }

  void report(const Bystander& bystander, int status) {
    if (bystander.signals != 0) {
      char text[80];
      ::snprintf(text, sizeof text, "got signals (mask %llx), the last from pid %d",
                 static_cast<unsigned long long>(bystander.signals), bystander.sender.load());
      say(bystander, text);
    } else if (WIFSIGNALED(status)) {
      say(bystander, ("died of signal " + std::to_string(WTERMSIG(status))).c_str());
    } else {
      return;
    }
    ++yard_.struck;
  }

  void say(const Bystander& bystander, const char* what) {
    if (yard_.is_silent) return;
    std::string seeds;
    for (const Desk& desk : yard_.desks) seeds += ' ' + std::to_string(desk.seed);
    const int worker = bystander.worker;
    const std::string taken =
        worker < 0 ? "" : ", which took the number of a child of worker " + std::to_string(worker);
    ::printf("  FAULT stranger: pid %d%s, %s; the workers' seeds:%s\n", bystander.pid.load(), taken.c_str(), what,
             seeds.c_str());
    ::fflush(stdout);
  }

  Yard& yard_;
  Random random_;
};

}  // namespace

void record_signals(Bystander& self) {
  recorder = &self;
  struct sigaction action = {};
  action.sa_sigaction = record;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (int signal = 1; signal < NSIG; ++signal) {
    const bool is_fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
                          signal == SIGTRAP || signal == SIGABRT || signal == SIGSYS;
    if (signal != SIGCHLD && !is_fault) ::sigaction(signal, &action, nullptr);  // KILL, STOP, 32 and 33 are refused
  }
}

void keep(Yard& yard, uint64_t seed, void (*host)(void*), void* context) {
  record_signals(yard.bystanders[0]);
  const pid_t pid = fork_as(0);
  if (pid < 0) return;
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    record_signals(yard.bystanders[1]);
    host(context);
    ::_exit(0);
  }
  Keeper(yard, seed).run(pid);
}

}  // namespace storm

#include "test/support/process_setting.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace warden::test_support {
namespace {

using Setting = std::map<std::string, std::string>;

constexpr unsigned long kRestorerFlag = 0x04000000;  // the C library's own, with any call of sigaction(2)

std::string hex(unsigned long long number) {
  char text[24];
  ::snprintf(text, sizeof text, "0x%llx", number);
  return text;
}

// Returns the file's lines; one "?" where it cannot be read.
std::vector<std::string> lines_of(const char* path) {
  FILE* const file = ::fopen(path, "re");
  if (file == nullptr) return {"?"};
  std::vector<std::string> lines;
  char line[1024];
  while (::fgets(line, sizeof line, file) != nullptr) {
    lines.emplace_back(line);
    if (lines.back().back() == '\n') lines.back().pop_back();
  }
  ::fclose(file);
  return lines;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

// Uses the raw call, which shows the C library's own signals, too.
void add_signals(Setting* setting) {
  uint64_t mask = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &mask, sizeof mask);
  (*setting)["signal mask"] = hex(mask);
  for (int signal = 1; signal <= 64; ++signal) {
    struct {
      void (*handler)(int);
      unsigned long flags;
      void (*restorer)();
      uint64_t mask;
    } action = {};
    ::syscall(SYS_rt_sigaction, signal, nullptr, &action, sizeof action.mask);
    action.flags &= ~kRestorerFlag;
    (*setting)["disposition of signal " + std::to_string(signal)] =
        hex(reinterpret_cast<unsigned long long>(action.handler)) + " flags " + hex(action.flags);
  }
  stack_t stack = {};
  ::sigaltstack(nullptr, &stack);
  (*setting)["alternate signal stack"] =
      hex(reinterpret_cast<unsigned long long>(stack.ss_sp)) + " flags " + std::to_string(stack.ss_flags);
}

void add_cancellation(Setting* setting) {
  int state = 0;
  int type = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  ::pthread_setcancelstate(state, nullptr);
  ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
  ::pthread_setcanceltype(type, nullptr);
  (*setting)["cancel state"] = std::to_string(state);
  (*setting)["cancel type"] = std::to_string(type);
}

// Returns the timer without the time that is left, which changes by itself.
std::string interval_timer(__itimer_which which) {
  struct itimerval timer = {};
  if (::getitimer(which, &timer) != 0) return "?";
  const bool runs = timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0;
  return std::string(runs ? "runs" : "off") + ", every " + std::to_string(timer.it_interval.tv_sec) + " s " +
         std::to_string(timer.it_interval.tv_usec) + " us";
}

void add_timers(Setting* setting) {
  (*setting)["interval timer (real)"] = interval_timer(ITIMER_REAL);
  (*setting)["interval timer (virtual)"] = interval_timer(ITIMER_VIRTUAL);
  (*setting)["interval timer (profiling)"] = interval_timer(ITIMER_PROF);
  (*setting)["timers (timer_create)"] = join(lines_of("/proc/self/timers"));
}

// Adds the locks that /proc lists under this process's number: those of fcntl(2) and flock(2), but not those of open
// file descriptions. A line is "1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"; the number before the colon means
// nothing.
void add_locks(Setting* setting) {
  std::vector<std::string> ours;
  for (const std::string& line : lines_of("/proc/locks")) {
    int pid = 0;
    int start = 0;
    const bool parsed = ::sscanf(line.c_str(), "%*d: %n%*s %*s %*s %d", &start, &pid) == 1;
    if (parsed && pid == ::getpid()) ours.push_back(line.substr(static_cast<size_t>(start)));
  }
  std::sort(ours.begin(), ours.end());
  (*setting)["locks"] = join(ours);
}

void add_environment(Setting* setting) {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t end = std::min(text.find('='), text.size());
    (*setting)["environment variable " + text.substr(0, end)] += text.substr(end);
  }
}

void add_limits(Setting* setting) {
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
    struct rlimit limit = {};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) continue;
    (*setting)["limit of resource " + std::to_string(resource)] =
        std::to_string(limit.rlim_cur) + " of " + std::to_string(limit.rlim_max);
  }
}

void add_flags(Setting* setting) {
  const auto add = [setting](const char* name, int value) { (*setting)[name] = std::to_string(value); };
  add("dumpable flag", ::prctl(PR_GET_DUMPABLE));
  int subreaper = 0;
  ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  add("child subreaper flag", subreaper);
  int death_signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &death_signal);
  add("parent-death signal", death_signal);
  add("no_new_privs flag", ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  add("keepcaps flag", ::prctl(PR_GET_KEEPCAPS));
  add("securebits", ::prctl(PR_GET_SECUREBITS));
  add("timer slack", ::prctl(PR_GET_TIMERSLACK));
  add("personality", ::personality(0xffffffff));
}

void add_scheduling(Setting* setting) {
  (*setting)["nice value"] = std::to_string(::getpriority(PRIO_PROCESS, 0));
  struct sched_param parameter = {};
  ::sched_getparam(0, &parameter);
  (*setting)["scheduling"] =
      "policy " + std::to_string(::sched_getscheduler(0)) + " priority " + std::to_string(parameter.sched_priority);
  uint64_t processors[128] = {};
  const long size = ::syscall(SYS_sched_getaffinity, 0, sizeof processors, processors);
  std::string affinity = size < 0 ? "?" : "";
  for (long i = 0; i < size / static_cast<long>(sizeof *processors); ++i) affinity += hex(processors[i]) + " ";
  (*setting)["affinity"] = affinity;
  (*setting)["out-of-memory score"] = join(lines_of("/proc/self/oom_score_adj"));
}

void add_ids(Setting* setting) {
  uid_t user[3] = {};
  gid_t group[3] = {};
  ::getresuid(&user[0], &user[1], &user[2]);
  ::getresgid(&group[0], &group[1], &group[2]);
  const auto text = [](const auto& ids) {
    return std::to_string(ids[0]) + " " + std::to_string(ids[1]) + " " + std::to_string(ids[2]);
  };
  (*setting)["user ids"] = text(user);
  (*setting)["group ids"] = text(group);
  (*setting)["process group"] = std::to_string(::getpgrp());
  (*setting)["session"] = std::to_string(::getsid(0));
}

void add_files(Setting* setting) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  (*setting)["umask"] = std::to_string(mask);
  char directory[PATH_MAX] = "";
  (*setting)["working directory"] = ::getcwd(directory, sizeof directory) != nullptr ? directory : "?";
}

}  // namespace

std::map<std::string, std::string> process_setting() {
  Setting setting;
  for (const auto add : {add_signals, add_cancellation, add_timers, add_locks, add_environment, add_limits, add_flags,
                         add_scheduling, add_ids, add_files}) {
    add(&setting);
  }
  return setting;
}

}  // namespace warden::test_support

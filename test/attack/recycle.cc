#include "test/attack/recycle.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "test/attack/attacker.h"
#include "test/attack/attacks.h"
#include "test/attack/member.h"
#include "test/attack/process.h"
#include "test/attack/strangers.h"

namespace warden::attack {
namespace {

// The limit is the namespace's own since Linux 6.14; before, it would have been the machine's.
bool limit_is_per_namespace() {
  utsname name = {};
  int major = 0, minor = 0;
  uname(&name);
  return sscanf(name.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 14));
}

[[noreturn]] void be_init(const std::string& seed_flag) {
  const bool mounted = mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount("proc", "/proc", "proc", 0, nullptr) == 0 && write_file("/proc/sys/kernel/pid_max", "400");
  if (!mounted) _exit(kSkipped);
  const int worker = fork();
  if (worker == 0) {
    execl(kSelf, "tree_attack", "--role=recycle", seed_flag.c_str(), nullptr);
    _exit(1);
  }
  int status = 0;
  for (int pid = 0; pid != worker;) pid = waitpid(-1, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

}  // namespace

int recycle(std::uint64_t seed) {
  const std::string seed_flag = "--seed=" + std::to_string(seed);
  fflush(stdout);
  const int pid = geteuid() == 0 && limit_is_per_namespace() ? fork() : 0;
  int status = kSkipped << 8;
  if (pid == 0 && geteuid() == 0 && limit_is_per_namespace()) {
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) _exit(kSkipped);
    const int init = fork();
    if (init == 0) be_init(seed_flag);
    waitpid(init, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
  }
  if (pid > 0) waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int be_recycled(const Options& options) {
  constexpr const char* kInner[] = {"setsid", "daemon", "chain", "chains", "orphans", "storm", "hydra", "deaf"};
  alarm(180);
  const int churner = fork();
  if (churner == 0) churn(options.seed);
  Attacker attacker(options);
  for (int index = 0; index < 12; ++index) {
    Plan plan = plan_of(options, index);
    plan.attack = find_attack(kInner[plan.seed % 8]);
    if (plan.way < Way::kHostKilled) attacker.run_tree(plan);
  }
  board->stop.store(1);
  int status = 0;
  waitpid(churner, &status, WUNTRACED);
  if (board->signals.load() == 0 && status == 0) return attacker.broken() == 0 ? 0 : 1;
  printf("STRANGERS HURT: %d of %d, signal or status %d from pid %d, the churner's status %d\n", board->signals.load(),
         board->made.load(), board->number.load(), board->sender.load(), status);
  return 1;
}

}  // namespace warden::attack
